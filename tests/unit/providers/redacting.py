"""A stand-in for output policies: holds each channel's text back to its end and gives it out in upper case."""

from keeptrusts.contract.call import Channel
from keeptrusts.providers.dialect import StreamReader
from keeptrusts.providers.sse import SseSplitter


def events_of(stream: bytes) -> list[bytes]:
    splitter = SseSplitter()
    events = splitter.feed(stream)
    rest = splitter.finish()
    return [*events, rest] if rest else events


def shout(reader: StreamReader, stream: bytes) -> bytes:
    """The stream as a client sees it when nothing is released before a channel closes."""
    held: dict[Channel, str] = {}
    out: list[bytes] = []
    for event in events_of(stream):
        piece = reader.read(event)
        changes = {}
        here = {}
        for fragment in piece.fragments:
            held[fragment.channel] = held.get(fragment.channel, "") + fragment.value
            changes[fragment.path] = ""
            here[fragment.channel] = fragment.path
        for channel in list(held) if piece.closes_all else piece.closes:
            text = held.pop(channel, "").upper()
            if channel in here:
                changes[here[channel]] += text
            elif text:
                out.append(reader.carry(channel, text))
        changes |= {text.path: text.value.upper() for text in piece.repeats}
        out.append(reader.write(piece, changes))
    assert not held, "a channel was never closed"
    return b"".join(out)
