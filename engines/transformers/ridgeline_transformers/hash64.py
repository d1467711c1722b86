"""XXH64, the digest of src/base/hash.hpp: by a C library where there is one, else in Python."""

import ctypes
import ctypes.util
import functools
import struct

# The Python below takes about a second for this much; above it a digest is not worth the wait.
_MOST_BYTES_IN_PYTHON = 2 << 20
_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_MASK = (1 << 64) - 1


def _rotl(x, bits):
    return ((x << bits) | (x >> (64 - bits))) & _MASK


def _round(lane, value):
    return (_rotl((lane + value * _P2) & _MASK, 31) * _P1) & _MASK


def xxh64(data):
    """The hash of `data` (bytes) with seed 0; from the public specification of XXH64."""
    size, at = len(data), 0
    if size >= 32:
        lanes = [(_P1 + _P2) & _MASK, _P2, 0, -_P1 & _MASK]
        for stripe in struct.iter_unpack("<4Q", data[: size - size % 32]):
            lanes = [_round(lane, value) for lane, value in zip(lanes, stripe)]
        at = size - size % 32
        value = sum(_rotl(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & _MASK
        for lane in lanes:
            value = ((value ^ _round(0, lane)) * _P1 + _P4) & _MASK
    else:
        value = _P5
    value = (value + size) & _MASK
    while size - at >= 8:
        (word,) = struct.unpack_from("<Q", data, at)
        value = (_rotl(value ^ _round(0, word), 27) * _P1 + _P4) & _MASK
        at += 8
    if size - at >= 4:
        (word,) = struct.unpack_from("<I", data, at)
        value = (_rotl(value ^ (word * _P1 & _MASK), 23) * _P2 + _P3) & _MASK
        at += 4
    for byte in data[at:]:
        value = (_rotl(value ^ (byte * _P5 & _MASK), 11) * _P1) & _MASK
    value = ((value ^ (value >> 33)) * _P2) & _MASK
    value = ((value ^ (value >> 29)) * _P3) & _MASK
    return value ^ (value >> 32)


class _PythonHash:
    def __init__(self):
        self._data = bytearray()
        self._total = 0

    def update(self, address, size):
        self._total += size
        if self._total <= _MOST_BYTES_IN_PYTHON:
            self._data += ctypes.string_at(address, size)

    def hexdigest(self):
        if self._total > _MOST_BYTES_IN_PYTHON:
            return None
        return f"{xxh64(bytes(self._data)):016x}"


@functools.cache
def _library():
    """libxxhash with its types declared, or None."""
    name = ctypes.util.find_library("xxhash") or "libxxhash.so.0"
    try:
        library = ctypes.CDLL(name)
        library.XXH64_createState.restype = ctypes.c_void_p
        library.XXH64_reset.argtypes = [ctypes.c_void_p, ctypes.c_uint64]
        library.XXH64_update.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        library.XXH64_digest.argtypes = [ctypes.c_void_p]
        library.XXH64_digest.restype = ctypes.c_uint64
        library.XXH64_freeState.argtypes = [ctypes.c_void_p]
    except (OSError, AttributeError):
        return None
    return library


class _LibraryHash:
    def __init__(self, library):
        self._library = library
        self._state = library.XXH64_createState()
        library.XXH64_reset(self._state, 0)

    def update(self, address, size):
        self._library.XXH64_update(self._state, address, size)

    def hexdigest(self):
        text = f"{self._library.XXH64_digest(self._state):016x}"
        self._library.XXH64_freeState(self._state)
        return text


def new_hash():
    """An object with update(address, size) and hexdigest(), which is called once and last; None
    there means that the data was too much for this machine."""
    library = _library()
    return _PythonHash() if library is None else _LibraryHash(library)
