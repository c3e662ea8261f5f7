"""Server-sent events, incrementally: bytes to whole events and back, without losing a byte.

An event here is its exact bytes with the blank line that ends it; a further blank line is an event of its own.
"""

import re

from keeptrusts.contract.faults import Code, Fault

MAX_EVENT_BYTES = 4 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")

# A line ends in CR, LF or CRLF. A CR at the end of what has come may be half of a CRLF, hence the look-ahead.
_BLANK_LINE = re.compile(rb"\n\n|[\r\n]\r(?:\n|(?=[^\n]))")
_LEADING_BLANK = re.compile(rb"\n|\r(?:\n|(?=[^\n]))")
_BLANK_LINE_REACH = 3
_NEWLINE = 0x0A
_RETURN = 0x0D  # a number: looking for b"\r" costs Python an exception inside


class SseSplitter:
    """Cuts a byte stream into events. Any cut of the stream gives the same events, and joined they are the stream."""

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_event_bytes
        self._held = bytearray()
        self._has_cr = False
        self._scanned = 0  # no blank line ends before this place

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that are now whole. Raises Fault(RESPONSE_TOO_LARGE) for an event beyond the limit."""
        end = len(chunk) - 2
        is_one_event = 0 < end == chunk.find(b"\n\n") and chunk[0] != _NEWLINE and _RETURN not in chunk
        if is_one_event and not self._held:  # in the plainest form, which is what nearly every chunk is
            if len(chunk) > self._max:
                raise self._too_large()
            return [chunk]
        self._held += chunk
        self._has_cr = self._has_cr or _RETURN in chunk
        return self._take()

    def finish(self) -> bytes:
        """What came after the last whole event: normally nothing."""
        rest = bytes(self._held)
        self._held.clear()
        self._scanned = 0
        return rest

    def _take(self) -> list[bytes]:
        held = self._held
        events: list[bytes] = []
        start = 0
        while start < len(held):
            end = self._find_end(start)
            if (end or len(held)) - start > self._max:
                raise self._too_large()
            if not end:
                break
            events.append(bytes(held[start:end]))
            start = end
        del held[:start]
        self._scanned = max(0, len(held) - _BLANK_LINE_REACH)
        self._has_cr = self._has_cr and bool(held)
        return events

    def _find_end(self, start: int) -> int:
        """Where the event that begins at `start` ends; 0 where it is not whole yet."""
        held = self._held
        if self._has_cr:
            found = _LEADING_BLANK.match(held, start) or _BLANK_LINE.search(held, max(start, self._scanned))
            return found.end() if found else 0
        if held[start] == _NEWLINE:
            return start + 1
        at = held.find(b"\n\n", max(start, self._scanned))
        return at + 2 if at >= 0 else 0

    def _too_large(self) -> Fault:
        return Fault(Code.RESPONSE_TOO_LARGE, f"The provider sent an event of more than {self._max} bytes.")


def parse(event: bytes) -> tuple[str, bytes]:
    """Name and data of an event. Without an `event:` line the name is ""; without data these are b""."""
    if event[:6] == b"data: " and event.find(b"\n") == len(event) - 2 and event[-1:] == b"\n":
        return "", event[6:-2]
    name = b""
    data: list[bytes] = []
    for line in _LINE_END.split(event.removeprefix(_BOM)):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return name.decode("utf-8", "replace"), b"\n".join(data)


def render(name: str, data: bytes) -> bytes:
    """An event in its plainest form."""
    lines = b"\ndata: ".join(_LINE_END.split(data))
    return b"event: %b\ndata: %b\n\n" % (name.encode(), lines) if name else b"data: %b\n\n" % lines
