"""A streamed answer as it comes from the provider: bytes become events of the client's dialect. Knows no policy."""

import msgspec

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.usage import Usage
from keeptrusts.providers.dialect import StreamReader
from keeptrusts.providers.sse import SseSplitter, parse
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
            has_text = any(fragment.value for fragment in piece.fragments)
            if has_text or piece.repeats or piece.unreadable or self.reader.is_complete:
                return True
        return False

    def _translated(self, events: list[bytes]) -> list[bytes]:
        assert self._translation is not None
        return [told for event in events for told in self._translation.feed(event)]


def is_whole(rest: bytes) -> bool:
    """Whether what came behind the last blank line of a stream is an event all the same, or only the begin of one."""
    _, data = parse(rest)
    try:
        return data.startswith(b"[DONE]") or msgspec.json.decode(data) is not None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
