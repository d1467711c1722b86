"""Lines of the protocol: names, limits, parsing, writing (src/protocol/messages.hpp)."""

import json
import math

from ridgeline_transformers.errors import EngineFailure

PROTOCOL_VERSION = 1
REQUEST_DESCRIPTOR = 3
REPLY_DESCRIPTOR = 4
MAX_LINE = 16 << 20  # newline excluded
MAX_DEPTH = 96  # src/base/json.hpp
NO_ID = -1

REPLIES = {
    "hello": "hello",
    "load": "loaded",
    "plan": "planned",
    "cost": "cost",
    "run": "ran",
    "memory": "memory",
    "forward": "forwarded",
    "generate": "generated",
    "verify": "verified",
    "quit": "bye",
}


def protocol_error(message):
    """The peer broke the protocol."""
    return EngineFailure("protocol", message)


def _no_constant(text):
    raise ValueError(f"{text} is no JSON")


def _unique(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice")
    return members


def _too_deep(value):
    """Whether anything is nested deeper than MAX_DEPTH; walks level by level."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            part
            for whole in level
            if isinstance(whole, (dict, list))
            for part in (whole.values() if isinstance(whole, dict) else whole)
        ]
        if not level:
            return False
    return True


def parse_line(line):
    """A request's object; what is no such thing is a protocol error."""
    try:
        request = json.loads(
            line.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_unique
        )
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else error
        raise protocol_error(f"a request is no JSON: {reason}") from None
    if _too_deep(request):
        raise protocol_error("a request is no JSON: nested too deep")
    if not isinstance(request, dict) or not isinstance(request.get("message"), str):
        raise protocol_error("a request: 'message' must be a string")
    return request


def plain(value):
    """`value` for JSON: what is not finite becomes null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def encode(kind, name, request_id, fields):
    """One line with its newline; the envelope cannot be overwritten by what it carries."""
    line = {kind: name, "id": request_id}
    line.update((key, part) for key, part in fields.items() if key not in line)
    text = json.dumps(plain(line), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"


def encode_error(request_id, failure):
    """The reply to a request that failed."""
    fields = {"class": failure.error_class, "message": str(failure)}
    if failure.remedy:
        fields["remedy"] = failure.remedy
    if failure.bytes_needed is not None:
        fields["bytes"] = failure.bytes_needed
    return encode("reply", "error", request_id, fields)
