"""The timed loop: the shape of src/protocol/timed_loop.cpp, in Python."""

import dataclasses
import gc
import resource
import time
from collections.abc import Callable

from ridgeline_transformers.samples import ROW_OF_MANY_CALLS, ROW_OF_TOKEN

_NEVER = 1 << 62


def _nothing():
    pass


@dataclasses.dataclass
class Runnable:
    """One phase, ready to be called again and again."""

    call: Callable  # hands the work over; on a CPU this is the work
    items: float  # units of work in a call
    restore: Callable = _nothing  # puts back what a call changes; before every call
    timer: object | None = None  # a DeviceTimer; None on a CPU
    token_times: list | None = None  # when each token of the last call was there, in ns


@dataclasses.dataclass
class LoopLimits:
    """Whichever comes first ends the loop; 0 means no such limit."""

    calls: int = 0
    ns: int = 0


def timed_loop(runnable, samples, sync, limits, stop, progress):
    """Calls until a limit or `stop`: a row per call, or with sync "end" one for all calls.

    Returns calls, times and what the system counted, as the "ran" reply has them. The garbage
    collector rests meanwhile: a collection is no part of the model.
    """
    loop = _time_end if sync == "end" else _time_each
    calls = limits.calls or _NEVER
    ns = limits.ns or _NEVER
    was_on = gc.isenabled()
    gc.disable()
    before = resource.getrusage(resource.RUSAGE_SELF)
    cpu_before = time.clock_gettime_ns(time.CLOCK_PROCESS_CPUTIME_ID)
    try:
        made, wall_ns, stopped = loop(runnable, samples, calls, ns, stop, progress)
    finally:
        cpu_ns = time.clock_gettime_ns(time.CLOCK_PROCESS_CPUTIME_ID) - cpu_before
        after = resource.getrusage(resource.RUSAGE_SELF)
        if was_on:
            gc.enable()
    return {
        "calls": made,
        "wall_ns": wall_ns,
        "cpu_ns": cpu_ns,
        "voluntary_switches": after.ru_nvcsw - before.ru_nvcsw,
        "involuntary_switches": after.ru_nivcsw - before.ru_nivcsw,
        "major_faults": after.ru_majflt - before.ru_majflt,
        "minor_faults": after.ru_minflt - before.ru_minflt,
        "stopped": stopped,
    }


def _time_each(runnable, samples, most_calls, most_ns, stop, progress):
    now, append = time.monotonic_ns, samples.append
    call, restore, timer = runnable.call, runnable.restore, runnable.timer
    items, tokens = runnable.items, runnable.token_times
    calls = first_begin = 0
    output = None
    while True:
        output = None  # freed before the clock starts: that is not the model's work
        restore()
        if timer is None:
            begin = now()
            output = call()
            done = enqueued = now()
            device_ns = -1
        else:
            timer.settle()  # what restore() queued is not the call's
            timer.start()
            begin = now()
            output = call()
            timer.stop()
            enqueued = now()
            timer.wait()
            done = now()
            device_ns = timer.ns()
        append(0, begin, enqueued, done, device_ns, items)
        if tokens:
            previous = begin
            for arrival in tokens:
                append(ROW_OF_TOKEN, previous, arrival, arrival, -1, 1.0)
                previous = arrival
        progress.value += 1
        calls += 1
        if calls == 1:
            first_begin = begin
        if calls >= most_calls or done - first_begin >= most_ns:
            stopped = False
            break
        if stop.is_set:
            stopped = True
            break
    del output
    return calls, done - first_begin, stopped


def _time_end(runnable, samples, most_calls, most_ns, stop, progress):
    now = time.monotonic_ns
    call, restore, timer = runnable.call, runnable.restore, runnable.timer
    calls = 0
    output = None
    stopped = False
    if timer is not None:
        timer.start()
    begin = now()
    while True:
        output = None
        restore()
        output = call()
        progress.value += 1
        calls += 1
        enqueued = now()
        if calls >= most_calls or enqueued - begin >= most_ns:
            break
        if stop.is_set:
            stopped = True
            break
    device_ns = -1
    if timer is not None:
        timer.stop()
        timer.wait()
        device_ns = timer.ns()
    done = now()
    samples.append(ROW_OF_MANY_CALLS, begin, enqueued, done, device_ns, runnable.items * calls)
    del output
    return calls, done - begin, stopped
