"""Events that say the same as an earlier one but for their text: read and changed without decoding the rest again.

Most events of a stream are such: only the text differs, and the padding that some providers add to hide its length.
"""

import re
from typing import Any

import msgspec

from keeptrusts.contract.call import Changes, Path, Piece
from keeptrusts.contract.faults import Fault
from keeptrusts.providers import sse, streams
from keeptrusts.providers.json_body import encode, read_json, replace_at

_LITERAL = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_PROBE = "probe"

_decode_text = msgspec.json.Decoder(str).decode


class Template:
    """What stands before the text, and after it; `end` comes after the padding, where there is one."""

    __slots__ = ("after", "before", "end")

    def __init__(self, before: bytes, after: bytes, end: bytes) -> None:
        self.before = before
        self.after = after
        self.end = end

    def find(self, event: bytes) -> tuple[str, tuple[int, int]] | None:
        """The text of an event that fits, and where its literal stands. None for any other event."""
        if not event.startswith(self.before):
            return None
        literal = _LITERAL.match(event, len(self.before))
        if literal is None or not self._is_rest(event[literal.end() :]):
            return None
        try:
            return _decode_text(literal[0]), literal.span()
        except ValueError:  # msgspec's errors and bad UTF-8
            return None

    def _is_rest(self, rest: bytes) -> bool:
        if not self.end:
            return rest == self.after
        return (
            rest.startswith(self.after)
            and rest.endswith(self.end)
            and rest[len(self.after) : len(rest) - len(self.end)].isalnum()
        )


def make_template(event: bytes, tree: dict[str, Any], path: Path) -> Template | None:
    """The template of an event that was read in full, whose text stands at `path`. None where it is spelled oddly.

    The proof is a probe: with other strings in these places, the event has to decode to the same tree but for them.
    """
    before, literal, after = event.partition(encode(streams.value_at(tree, path)))
    padding = tree.get("obfuscation")
    probes = {path: _PROBE}
    inside, end = after, b""
    if type(padding) is str and padding.isalnum():
        after, _, end = after.partition(encode(padding))
        after, end = after + b'"', b'"' + end
        inside = after + _PROBE.encode() + end
        probes["obfuscation",] = _PROBE
    if not literal or not _says(before + encode(_PROBE) + inside, replace_at(tree, probes)):
        return None
    return Template(before, after, end)


def _says(event: bytes, tree: dict[str, Any]) -> bool:
    try:
        return read_json(sse.parse(event)[1]) == tree
    except Fault:
        return False


def with_text(piece: Piece, changes: Changes) -> bytes:
    """The event of a piece that was read by a template, with another text in the place of its only fragment's."""
    assert piece.literal is not None
    start, end = piece.literal
    (fragment,) = piece.fragments
    return b"".join((piece.event[:start], encode(changes[fragment.path]), piece.event[end:]))
