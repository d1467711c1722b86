"""The sample file, as src/protocol/sample_file.hpp describes it: the worker's side."""

import ctypes
import mmap
import os
import platform
import stat
import struct
import threading

from ridgeline_transformers.errors import bad_input

ROW_OF_MANY_CALLS = 1  # flags
ROW_OF_TOKEN = 2

_MAGIC = b"RLSAMPLE"
_VERSION = 1
_HEADER = struct.Struct("<8sIIQQQ24x")
_ROW = struct.Struct("@IIqqqqd")  # native order: eight bytes are one store
_COUNT_AT, _DROPPED_AT = 24, 32
_MAX_CAPACITY = 1 << 32
_PAGE = 4096
assert _HEADER.size == 64 and _ROW.size == 48


def _make_fence():
    """A function that keeps the stores before it before those behind it.

    x86 keeps stores in order by itself. Elsewhere a lock that is given back and taken again does:
    giving it back releases, taking it acquires.
    """
    if platform.machine() in ("x86_64", "AMD64", "i686"):
        return None
    lock = threading.Lock()
    lock.acquire()

    def fence():
        lock.release()
        lock.acquire()

    return fence


def _check(path, header, size):
    magic, version, row_size, capacity, count, _ = _HEADER.unpack(header)
    if magic != _MAGIC:
        raise bad_input(f"sample file {path}: not a sample file")
    if (version, row_size) != (_VERSION, _ROW.size):
        raise bad_input(
            f"sample file {path}: version {version} with rows of {row_size} bytes; this engine "
            f"writes {_VERSION} with {_ROW.size}"
        )
    if capacity > _MAX_CAPACITY or _HEADER.size + capacity * _ROW.size > size:
        raise bad_input(f"sample file {path}: cut short: {size} bytes cannot hold {capacity} rows")
    if count > capacity:
        raise bad_input(f"sample file {path}: claims {count} rows in room for {capacity}")
    return capacity


class SampleWriter:
    """Appends behind what is already there. One thread. Use it as a context."""

    def __init__(self, path):
        try:
            # O_NONBLOCK: opening a FIFO must not wait for its other end.
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError) as error:
            raise bad_input(f"sample file {path}: {error}") from None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise bad_input(f"sample file {path}: not a regular file")
            header = os.pread(descriptor, _HEADER.size, 0)
            if len(header) < _HEADER.size:
                raise bad_input(f"sample file {path}: cut short: no header")
            self.capacity = _check(path, header, status.st_size)
            flags = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
            self._map = mmap.mmap(descriptor, _HEADER.size + self.capacity * _ROW.size, flags)
        finally:
            os.close(descriptor)
        self._count = ctypes.c_uint64.from_buffer(self._map, _COUNT_AT)
        self._dropped = ctypes.c_uint64.from_buffer(self._map, _DROPPED_AT)
        self.count = self._count.value
        self.dropped = self._dropped.value
        self._fence = _make_fence()
        self._touch()

    def _touch(self):
        """Writes every page that rows will go to, with what is there: no page fault later."""
        at = _HEADER.size + self.count * _ROW.size
        while at < len(self._map):
            self._map[at] = self._map[at]
            at = (at // _PAGE + 1) * _PAGE

    def append(self, flags, begin_ns, enqueued_ns, done_ns, device_ns, items):
        """Writes one row, then the count that makes it visible."""
        count = self.count
        if count == self.capacity:
            self.dropped += 1
            self._dropped.value = self.dropped
            return
        _ROW.pack_into(
            self._map, _HEADER.size + count * _ROW.size,
            0, flags, begin_ns, enqueued_ns, done_ns, device_ns, items,
        )  # fmt: skip
        if self._fence is not None:
            self._fence()
        self.count = count + 1
        self._count.value = count + 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Views of the mapping go before it.
        del self._count, self._dropped
        self._map.close()
