"""The events of a streamed answer of Anthropic's Messages, decoded once and as far as a translation needs."""

from typing import Any

import msgspec

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers import sse
from keeptrusts.providers.translation.chat_to_messages.reply import Block, StopDetails

_DELTA = b"event: content_block_delta\ndata: "


class Delta(msgspec.Struct):
    """What a block grows by, or how the message ends."""

    type: str = ""
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    stop_reason: str | None = None
    stop_details: StopDetails | None = None


class Start(msgspec.Struct):
    """The message as it begins."""

    id: str
    usage: Any = None


class Event(msgspec.Struct):
    """Any event; which members it has tells its type."""

    type: str
    index: int = 0
    delta: Delta | None = None
    content_block: Block | None = None
    message: Start | None = None
    usage: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(Event).decode


def read_event(event: bytes) -> Event | None:
    """None for an event without data. Raises Fault(UPSTREAM_ERROR) for one that cannot be read."""
    data = _data_of(event)
    if not data:
        return None
    try:
        return _decode(data)
    except (ValueError, RecursionError):  # msgspec's errors and bad UTF-8 are ValueErrors
        raise Fault(Code.UPSTREAM_ERROR, "The provider sent an event that is not of Anthropic's dialect.") from None


def _data_of(event: bytes) -> bytes:
    """The event's data: taken straight from nearly every event, which is a delta in its plainest form."""
    start = len(_DELTA)
    if event.startswith(_DELTA) and event.find(b"\n", start) == len(event) - 2:
        return event[start:-2]
    return sse.parse(event)[1]
