"""W3C Trace Context: reading what a client sent, and writing what a provider gets. Pure."""

import re
from collections.abc import Mapping

import msgspec

TRACEPARENT = b"traceparent"
TRACESTATE = b"tracestate"
HEADERS = frozenset({TRACEPARENT, TRACESTATE})

MAX_STATE_BYTES = 512
SAMPLED = 0x01

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_KEY = rb"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
_MEMBER = re.compile(rb"[ \t]*(?:" + _KEY + rb"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{1,256})?[ \t]*")
_MAX_MEMBERS = 32


class TraceContext(msgspec.Struct, frozen=True):
    """Where a client's trace stands. `state` is its `tracestate`, empty where there is none that can be passed on."""

    trace_id: int
    span_id: int
    is_sampled: bool
    state: bytes = b""


def read_context(headers: Mapping[bytes, bytes]) -> TraceContext | None:
    """What the client says; None where it says nothing, or nothing that the standard allows."""
    value = headers.get(TRACEPARENT)
    match = _TRACEPARENT.fullmatch(value) if value is not None else None
    if match is None or match[1] == b"ff" or (match[1] == b"00" and match[5] is not None):
        return None
    trace_id, span_id = int(match[2], 16), int(match[3], 16)
    if not trace_id or not span_id:
        return None
    return TraceContext(trace_id, span_id, bool(int(match[4], 16) & SAMPLED), read_state(headers.get(TRACESTATE, b"")))


def read_state(value: bytes) -> bytes:
    """A `tracestate` that may be passed on, or nothing."""
    members = value.split(b",")
    if len(value) > MAX_STATE_BYTES or len(members) > _MAX_MEMBERS:
        return b""
    return value if all(_MEMBER.fullmatch(member) for member in members) else b""


def write_context(context: TraceContext) -> bytes:
    """The header lines that carry it."""
    line = b"traceparent: 00-%032x-%016x-%02x\r\n" % (context.trace_id, context.span_id, context.is_sampled)
    return line + b"tracestate: %b\r\n" % context.state if context.state else line
