"""The worker's second thread: reads requests, keeps the stop flag, sends heartbeats."""

import collections
import json
import os
import select
import signal
import threading
import time

from ridgeline_transformers.messages import (
    MAX_LINE,
    NO_ID,
    EngineFailure,
    encode_error,
    parse_line,
    protocol_error,
)

_MAX_QUEUED = 64  # a coordinator has one request under way
_CHUNK = 1 << 16


class Progress:
    """Shows that work goes on: a number that only grows."""

    def __init__(self):
        self.value = 0

    def tick(self, steps=1):
        """One more step of long work is done."""
        self.value += steps


class StopFlag:
    """Set by "stop"; cleared when a new "run" arrives, so that a stop right behind it holds."""

    def __init__(self):
        self.is_set = False


class RequestReader:
    """Owns the reader thread and the traffic of both descriptors."""

    def __init__(self, requests, replies, beat_seconds=1.0):
        self.progress = Progress()
        self.stop = StopFlag()
        self._requests = requests
        self._replies = replies
        self._beat_ns = int(1e9 * beat_seconds)
        self._queue = collections.deque()
        self._filled = threading.Condition()
        self._write_lock = threading.Lock()
        self._current_id = None  # under the write lock: no heartbeat after its reply
        self._next_beat = 0  # under the write lock
        self._quit_seen = False
        self._buffer = bytearray()
        self._scanned = 0
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        threading.Thread(target=self._read_loop, name="requests", daemon=True).start()

    def next(self):
        """Waits for the next request; from its arrival to answer() heartbeats are sent for it."""
        with self._filled:
            self._filled.wait_for(lambda: self._queue)
            request = self._queue.popleft()
        self._begin_beats(request["id"])
        return request

    def answer(self, line):
        """Sends the reply to the request under way and ends its heartbeats."""
        with self._write_lock:
            self._current_id = None
            self._write(line)

    def send(self, line):
        """Sends any other line."""
        with self._write_lock:
            self._write(line)

    def _write(self, line):
        view = memoryview(line)
        while view:
            try:
                view = view[os.write(self._replies, view) :]
            except OSError:
                return  # nobody reads any more: the reader sees the same at its end

    def _begin_beats(self, request_id):
        with self._write_lock:
            if self._current_id == request_id:
                return
            self._current_id = request_id
            self._next_beat = time.monotonic_ns() + self._beat_ns
        os.write(self._wake_write, b"1")

    def _read_loop(self):
        poll = select.poll()
        poll.register(self._requests, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while True:
            with self._write_lock:
                left = self._next_beat - time.monotonic_ns()
                wait = None if self._current_id is None else max(0, left) / 1e6
            ready = {descriptor for descriptor, _ in poll.poll(wait)}
            if self._wake_read in ready:
                os.read(self._wake_read, _CHUNK)
            if self._requests in ready and not self._read_some():
                poll.unregister(self._requests)
            self._beat()

    def _read_some(self):
        """Takes what is there; False at the end of all requests."""
        got = os.read(self._requests, _CHUNK)
        if not got:
            if not self._quit_seen:  # after "quit" the main thread ends by itself
                coordinator_gone()
            return False
        self._buffer += got
        while (end := self._buffer.find(b"\n", self._scanned)) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._scanned = 0
            if len(line) > MAX_LINE:
                self._overlong()
            self._take_line(line)
        self._scanned = len(self._buffer)
        if self._scanned > MAX_LINE:
            self._overlong()
        return True

    def _overlong(self):
        failure = protocol_error(f"a request is longer than {MAX_LINE} bytes")
        self.send(encode_error(NO_ID, failure))
        coordinator_gone()

    def _take_line(self, line):
        try:
            request = parse_line(line)
            if request["message"] == "stop":
                self.stop.is_set = True
                return
            request_id = request.get("id")
            if not isinstance(request_id, int) or isinstance(request_id, bool) or request_id < 0:
                raise protocol_error("a request needs an id of 0 or more")
        except EngineFailure as failure:
            self.send(encode_error(NO_ID, failure))
            return
        if request["message"] == "run":
            self.stop.is_set = False
        self._quit_seen = self._quit_seen or request["message"] == "quit"
        self._enqueue(request)

    def _enqueue(self, request):
        # From here on, not only from next(): the main thread may be busy with the last reply.
        with self._write_lock:
            if self._current_id is None:
                self._current_id = request["id"]
                self._next_beat = time.monotonic_ns() + self._beat_ns
        with self._filled:
            full = len(self._queue) >= _MAX_QUEUED
            if not full:
                self._queue.append(request)
            self._filled.notify()
        if full:
            self.send(encode_error(request["id"], protocol_error("too many requests are waiting")))

    def _beat(self):
        with self._write_lock:
            now = time.monotonic_ns()
            if self._current_id is None or now < self._next_beat:
                return
            self._next_beat = now + self._beat_ns
            event = {
                "event": "heartbeat",
                "id": self._current_id,
                "progress": self.progress.value,
                "cpu_ns": time.clock_gettime_ns(time.CLOCK_PROCESS_CPUTIME_ID),
            }
            self._write(json.dumps(event).encode() + b"\n")


def coordinator_gone():
    """Ends this process at once, with its group if it leads one: compilers would outlive it."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
