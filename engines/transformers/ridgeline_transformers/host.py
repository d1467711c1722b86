"""Figures of this process and host, from /proc and the control group."""

import pathlib

_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def _value_of(path, key):
    """Bytes behind `key` in a file of "Key:  123 kB" lines, or None."""
    try:
        text = pathlib.Path(path).read_text()
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    return None


def _number_in(path):
    try:
        return int(pathlib.Path(path).read_text())
    except (OSError, ValueError):  # "max" is no limit
        return None


def resident_bytes():
    """Resident size of this process now."""
    return _value_of("/proc/self/status", "VmRSS:")


def peak_resident_bytes():
    """The largest resident size of this process so far."""
    return _value_of("/proc/self/status", "VmHWM:")


def available_bytes():
    """Host memory that can still be had without swapping; None when unknown."""
    available = _value_of("/proc/meminfo", "MemAvailable:")
    if available is None:
        return None
    for limit_file, usage_file in _CGROUPS:
        limit, usage = _number_in(limit_file), _number_in(usage_file)
        if limit is not None and usage is not None:
            available = min(available, max(0, limit - usage))
    return available
