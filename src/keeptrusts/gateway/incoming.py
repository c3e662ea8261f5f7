"""A streamed answer as it comes from the provider: bytes become events of the client's dialect. Knows no policy."""

import msgspec

from keeptrusts.contract.call import Piece
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.usage import Usage
from keeptrusts.providers.dialect import StreamReader
from keeptrusts.providers.sse import SseSplitter, parse
from keeptrusts.providers.streams import UNREADABLE_EVENT
from keeptrusts.providers.translation.translator import StreamTranslator


class Incoming:
    """One streamed answer. Owned by the task that relays it. `reader` reads the client's dialect."""

    def __init__(self, reader: StreamReader, translation: StreamTranslator | None) -> None:
        self.reader = reader
        self._translation = translation
        self._splitter = SseSplitter()

    @property
    def usage(self) -> Usage | None:
        """What the provider counted so far."""
        return self.reader.usage if self._translation is None else self._translation.usage

    def feed(self, chunk: bytes) -> list[bytes]:
        """The whole events that end with this chunk."""
        events = self._splitter.feed(chunk)
        return events if self._translation is None else self._translated(events)

    def finish(self) -> list[bytes]:
        """The last events of a stream: one without a blank line behind it, and what a translation held back.

        None where an event was cut in two: then there is no good end.
        """
        rest = self._splitter.finish()
        if rest.strip() and not is_whole(rest):
            return []
        if self._translation is None:
            return [rest] if rest.strip() else []
        return [*self._translated([rest + b"\n\n"] if rest.strip() else []), *self._translation.finish()]

    def has_content(self, chunk: bytes) -> bool:
        """Whether content has come, or the stream is over. Raises Fault where it failed before; then it is not read on.

        For a look ahead only: it reads texts, which `feed` leaves to others.
        """
        for event in self.feed(chunk):
            piece = self.reader.read(event)
            if self.reader.failure is not None:
                raise Fault(Code.UPSTREAM_ERROR, "The provider failed before it gave an answer.")
            if is_broken(piece):
                raise unreadable_event()
            has_text = any(fragment.value for fragment in piece.fragments)
            if has_text or piece.repeats or piece.unreadable or self.reader.is_complete:
                return True
        return False

    def _translated(self, events: list[bytes]) -> list[bytes]:
        assert self._translation is not None
        return [told for event in events for told in self._translation.feed(event)]


def is_broken(piece: Piece) -> bool:
    """Whether this is no event of any dialect: not content that no policy reads, but a provider that fails."""
    return any(part.kind == UNREADABLE_EVENT for part in piece.unreadable)


def unreadable_event() -> Fault:
    """What such an event is to the client."""
    return Fault(Code.UPSTREAM_ERROR, "The provider sent an event that cannot be read.")


def is_whole(rest: bytes) -> bool:
    """Whether what came behind the last blank line of a stream is an event all the same, or only the begin of one."""
    _, data = parse(rest)
    try:
        return data.startswith(b"[DONE]") or msgspec.json.decode(data) is not None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
