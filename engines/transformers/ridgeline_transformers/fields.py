"""Typed access to the fields of a message, with errors as in src/base/json.hpp."""

from ridgeline_transformers.errors import bad_input

_MISSING = object()
_NAMES = {
    bool: "true or false",
    int: "an integer",
    str: "a string",
    list: "a list",
    dict: "an object",
}


def get(fields, key, what, kind, fallback=_MISSING):
    """fields[key] of type `kind`; null and nothing give `fallback`, without one an error."""
    value = fields.get(key)
    if value is None:
        if fallback is _MISSING:
            raise bad_input(f"{what}: '{key}' is missing")
        return fallback
    is_kind = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    if not is_kind:
        raise bad_input(f"{what}: '{key}' must be {_NAMES[kind]}")
    return value


def get_size(fields, key, what, largest, fallback=None):
    """A whole number from 1 to `largest`."""
    value = get(fields, key, what, int, None)
    if value is None:
        return fallback
    if not 1 <= value <= largest:
        raise bad_input(f"{key} {value} is outside 1 to {largest}")
    return value


def get_strings(fields, key, what):
    """A list of strings; nothing is an empty one."""
    values = get(fields, key, what, list, [])
    if not all(isinstance(value, str) for value in values):
        raise bad_input(f"{what}: '{key}' must be a list of strings")
    return values
