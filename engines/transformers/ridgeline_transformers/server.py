"""The worker's main thread: takes requests from the reader, asks the engine, answers."""

import os
import sys
import time

from ridgeline_transformers.errors import EngineFailure, bad_input, failure_of, unsupported
from ridgeline_transformers.fields import get
from ridgeline_transformers.messages import (
    MAX_LINE,
    PROTOCOL_VERSION,
    REPLIES,
    REPLY_DESCRIPTOR,
    REQUEST_DESCRIPTOR,
    encode,
    encode_error,
)
from ridgeline_transformers.request_reader import RequestReader
from ridgeline_transformers.samples import SampleWriter
from ridgeline_transformers.timed_loop import LoopLimits, timed_loop

_LARGEST = 1 << 62


def _limits_of(fields):
    until = fields.get("until")
    if not isinstance(until, dict):
        raise bad_input("run: 'until' must be an object with n, ns or both")
    limits = LoopLimits(
        get(until, "n", "run: until", int, 0), get(until, "ns", "run: until", int, 0)
    )
    in_range = all(0 <= limit < _LARGEST for limit in (limits.calls, limits.ns))
    if not in_range or limits.calls == limits.ns == 0:
        raise bad_input("run: 'until' needs n or ns above 0")
    return limits


class Server:
    """Answers requests until "quit". An exception becomes an error reply and the worker goes on."""

    def __init__(self, engine, reader):
        self._engine = engine
        self._reader = reader

    def run(self):
        """The status to exit with."""
        while True:
            request = self._reader.next()
            message, request_id = request["message"], request["id"]
            try:
                if message == "quit":
                    self._engine.on_quit()
                    self._reader.answer(encode("reply", "bye", request_id, {}))
                    return 0
                fields = self._dispatch(message, request)
                line = encode("reply", REPLIES.get(message, message), request_id, fields)
                if len(line) > MAX_LINE:
                    raise EngineFailure(
                        "internal", f"the reply to '{message}' would be {len(line)} bytes long"
                    )
            except Exception as exception:  # noqa: BLE001 - all of them are answered
                self._reader.answer(encode_error(request_id, failure_of(exception)))
                if message == "quit":
                    return 0
            else:
                self._reader.answer(line)

    def _dispatch(self, message, request):
        if message == "hello":
            return self._hello(request)
        if message == "run":
            return self._run_phase(request)
        handler = self._engine.handlers().get(message)
        if handler is None:
            shown = "".join(c if c.isprintable() else "?" for c in message[:80])
            raise unsupported(f"this engine has no message '{shown}'")
        return handler(request, self._reader.progress)

    def _hello(self, request):
        asked = get(request, "protocol", "hello", int, PROTOCOL_VERSION)
        if asked != PROTOCOL_VERSION:
            raise EngineFailure(
                "protocol",
                f"this engine speaks protocol {PROTOCOL_VERSION}, the coordinator {asked}",
                "use an engine and a coordinator of the same release",
            )
        described = self._engine.hello()
        envelope = {"protocol": PROTOCOL_VERSION, **described}
        return {**envelope, "pid": os.getpid(), "pgid": os.getpgrp()}

    def _run_phase(self, request):
        phase = get(request, "phase", "run", str)
        path = get(request, "samples", "run", str)
        sync = get(request, "sync", "run", str, "each")
        if sync not in ("each", "end"):
            raise bad_input(f"run: sync is each or end, not '{sync[:80]}'")
        limits = _limits_of(request)
        with SampleWriter(path) as samples, self._engine.running(phase) as runnable:
            from_row, dropped = samples.count, samples.dropped
            started = {"ns": time.monotonic_ns()}
            self._reader.send(encode("event", "started", request["id"], started))
            loop = timed_loop(
                runnable, samples, sync, limits, self._reader.stop, self._reader.progress
            )
            return {
                "from": from_row,
                "rows": samples.count - from_row,
                "dropped": samples.dropped - dropped,
                **loop,
            }


def serve(engine):
    """Answers requests on descriptors 3 and 4 until "quit"; returns the status to exit with."""
    for descriptor in (REQUEST_DESCRIPTOR, REPLY_DESCRIPTOR):
        os.set_inheritable(descriptor, False)
    sys.stdout.reconfigure(line_buffering=True)  # so that the log of a crash is whole
    return Server(engine, RequestReader(REQUEST_DESCRIPTOR, REPLY_DESCRIPTOR)).run()
