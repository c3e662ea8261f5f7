"""A stand-in for output policies: holds each channel's text back to its end and gives it out in upper case."""

from keeptrusts.contract.call import Channel, Fragment
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


def loud(reader: StreamReader, event: bytes) -> tuple[tuple[Fragment, ...], bytes]:
    """What an event says, and the event with another text in each of these places."""
    piece = reader.read(event)
    return piece.fragments, reader.write(piece, {fragment.path: 'LO"UD' for fragment in piece.fragments})


def are_short(reader: StreamReader, events: list[bytes]) -> list[bool]:
    """Which of these events were read without decoding all of them."""
    return [reader.read(event).literal is not None for event in events]
