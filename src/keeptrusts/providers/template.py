"""Events that say the same as an earlier one but for their text: read and changed without decoding the rest again.

Most events of a stream are such: only the text differs, its number where events are numbered, and the padding that
some providers add to hide its length.
"""

import re
from operator import itemgetter
from typing import Any

import msgspec

from keeptrusts.contract.call import Changes, Channel, Form, Fragment, Path, Piece
from keeptrusts.contract.faults import Fault
from keeptrusts.providers import sse, streams
from keeptrusts.providers.json_body import encode, read_json, replace_at

_LITERAL = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_PADDING = re.compile(rb'"[A-Za-z0-9]*"')
_NUMBER = re.compile(rb"(?:0|[1-9][0-9]{0,15})(?![0-9])")
_VARYING = {"obfuscation": (_PADDING, "probe"), "sequence_number": (_NUMBER, 987_654_321)}
"""Members of an event that differ and say nothing: how they are spelled, and another value for the probe."""

_PROBE = "probe"
_MAX_ATTEMPTS = 8

_decode_text = msgspec.json.Decoder(str).decode


class Template:
    """What differs between events, each with what stands before it, and what stands behind all of that."""

    __slots__ = ("_end", "_slots")

    def __init__(self, slots: tuple[tuple[bytes, re.Pattern[bytes]], ...], end: bytes) -> None:
        self._slots = slots
        self._end = end

    def find(self, event: bytes) -> tuple[str, tuple[int, int]] | None:
        """The text of an event that fits, and where its literal stands. None for any other event."""
        at = start = end = 0
        for before, pattern in self._slots:
            found = pattern.match(event, at + len(before)) if event.startswith(before, at) else None
            if found is None:
                return None
            at = found.end()
            if pattern is _LITERAL:
                start, end = found.span()
        if event[at:] != self._end:
            return None
        try:
            return _decode_text(event[start:end]), (start, end)
        except ValueError:  # msgspec's errors and bad UTF-8
            return None


def make_template(event: bytes, tree: dict[str, Any], path: Path) -> Template | None:
    """The template of an event that was read in full, whose text stands at `path`. None where it is spelled oddly.

    The proof is a probe: with other values in these places, the event has to decode to the same tree but for them.
    """
    text: tuple[int, Path, re.Pattern[bytes], Any] = (
        event.find(encode(streams.value_at(tree, path))),
        path,
        _LITERAL,
        _PROBE,
    )
    places = [text, *((_find_member(event, key), (key,), *other) for key, other in _VARYING.items() if key in tree)]
    slots: list[tuple[bytes, re.Pattern[bytes]]] = []
    probe, at = b"", 0
    for place, _, pattern, other in sorted(places, key=itemgetter(0)):
        found = pattern.match(event, place) if place >= at else None
        if found is None:
            return None
        slots.append((event[at:place], pattern))
        probe += event[at:place] + encode(other)
        at = found.end()
    expected = replace_at(tree, {where: other for _, where, _, other in places})
    return Template(tuple(slots), event[at:]) if _says(probe + event[at:], expected) else None


def _find_member(event: bytes, key: str) -> int:
    """Where the value of a member seems to begin; the probe tells whether it does."""
    name = b'"%b":' % key.encode()
    place = event.find(name) + len(name)
    return place + (event[place : place + 1] == b" ")


def _says(event: bytes, tree: dict[str, Any]) -> bool:
    try:
        return read_json(sse.parse(event)[1]) == tree
    except Fault:
        return False


class ShortPath:
    """Reads those events of one stream that fit the template of the last that was read in full."""

    __slots__ = ("_channel", "_form", "_left", "_path", "_template")

    def __init__(self) -> None:
        self._template: Template | None = None
        self._left = _MAX_ATTEMPTS  # where all events differ, templates are not worth making
        self._channel: Channel = None
        self._path: Path = ()
        self._form = Form.PROSE

    def find(self, event: bytes) -> Piece | None:
        """The piece of an event that bears more text of the same channel, and nothing else; None for any other."""
        found = self._template.find(event) if self._template else None
        if found is None or not found[0]:
            return None
        self._left = _MAX_ATTEMPTS
        fragment = Fragment(self._channel, self._path, found[0], self._form)
        return Piece(event=event, fragments=(fragment,), literal=found[1])

    def keep(self, event: bytes, tree: dict[str, Any], fragment: Fragment) -> None:
        """From here on, events like this one are read the short way."""
        if self._left > 0:
            self._left -= 1
            self._channel, self._path, self._form = fragment.channel, fragment.path, fragment.form
            self._template = make_template(event, tree, fragment.path)

    def drop(self) -> None:
        self._template = None


def with_text(piece: Piece, changes: Changes) -> bytes:
    """The event of a piece that was read by a template, with another text in the place of its only fragment's."""
    assert piece.literal is not None
    start, end = piece.literal
    (fragment,) = piece.fragments
    return b"".join((piece.event[:start], encode(changes[fragment.path]), piece.event[end:]))
