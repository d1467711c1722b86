"""Failures with a class, as src/base/error.hpp has them, and what exceptions of others mean."""

import re
import traceback


class EngineFailure(Exception):
    """An expected failure: one line of what and where, a remedy, bytes where memory was short."""

    def __init__(self, error_class, message, remedy="", bytes_needed=None):
        super().__init__(message)
        self.error_class = error_class
        self.remedy = remedy
        self.bytes_needed = bytes_needed


def bad_input(message, remedy=""):
    """A file, flag or value that cannot be used."""
    return EngineFailure("bad_input", message, remedy)


def unsupported(message, remedy=""):
    """Understood, but this engine cannot do it."""
    return EngineFailure("unsupported", message, remedy)


def environment_error(message, remedy=""):
    """The machine, or its Python, lacks something."""
    return EngineFailure("environment", message, remedy)


_SMALLER = "use a smaller batch, sequence, model or dtype"
_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_HOST = re.compile(r"you tried to allocate (\d+) bytes")
_DEVICE = re.compile(r"[Tt]ried to allocate ([\d.]+) (\w+)")


def one_line(text, limit=400):
    """The first line that says something, without control characters."""
    lines = [line.strip() for line in str(text).splitlines() if line.strip()]
    first = lines[0] if lines else ""
    clean = "".join(c if c.isprintable() else "?" for c in first)
    return clean if len(clean) <= limit else clean[: limit - 3] + "..."


def _memory_failure(exception):
    """The failure that an allocator's exception stands for, or None."""
    text = str(exception)
    if type(exception).__name__ == "OutOfMemoryError":  # torch's, for any accelerator
        found = _DEVICE.search(text)
        unit = _UNITS.get(found.group(2)) if found else None
        needed = int(float(found.group(1)) * unit) if unit else None
        return EngineFailure("oom.device", one_line(text), _SMALLER, needed)
    if found := _HOST.search(text):
        return EngineFailure("oom.host", one_line(text), _SMALLER, int(found.group(1)))
    if isinstance(exception, MemoryError):
        return EngineFailure("oom.host", "host memory is exhausted", _SMALLER)
    return None


def failure_of(exception):
    """Any exception as an EngineFailure. What is no expected failure goes to the log, whole."""
    if isinstance(exception, EngineFailure):
        return exception
    # Compilers wrap what went wrong underneath.
    cause = exception
    while cause is not None:
        if failure := _memory_failure(cause):
            return failure
        cause = cause.__cause__ or getattr(cause, "inner_exception", None)
    traceback.print_exception(exception)
    text = one_line(exception)
    name = type(exception).__name__
    return EngineFailure("internal", f"{name}: {text}" if text else name, "see the worker's log")
