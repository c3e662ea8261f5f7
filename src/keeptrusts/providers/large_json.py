"""Strict reading and changing of large JSON bodies, in steps so short that other threads get their turns in between.

Decoding 32 MiB in one go keeps the interpreter for as long as that takes, whatever else waits. Here the body is cut
behind commas into pieces; each is read by `read_json` as a document of its own, inside the containers that are open
where it begins, and what it says is added to the tree. The result is that of `read_json` on the whole.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from keeptrusts.contract.call import Path
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.json_body import decode, encode, iter_string_paths, read_json, repeated_key, slices

LARGE = 256 * 1024
"""Bytes; smaller bodies are read in one go."""

WINDOW = 64 * 1024
"""Bytes that are read in one step."""

MAX_PARTS = 250_000
"""Strings (keys too), objects and arrays of a large body. The tree of 32 MiB of them would take a gigabyte."""

MAX_VALUES = 2_000_000
"""Values that commas part: what is left to count are numbers, as of embeddings."""

MAX_KEYS = 64 * 1024
"""Bytes of a key, or of the keys on the way to a value: they are read again with each piece."""

_BLANKS = b" \t\r\n"
_CLOSING = bytes.maketrans(b"[{", b"]}")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# No possessive group with a choice in it: Python before 3.11.5 matches those wrongly (gh-106052).
_QUOTED = rb'"[^"\\]*+(?:\\.[^"\\]*+)*"'
_UP_TO_COMMA = rb'[^",]*+(?:' + _QUOTED + rb'[^",]*+)*'
_STRING = re.compile(_QUOTED, re.DOTALL)
_TO_LAST_COMMA = re.compile(rb"(?:" + _UP_TO_COMMA + rb",)+", re.DOTALL)
_TO_OPEN_STRING = re.compile(_UP_TO_COMMA, re.DOTALL)
_BEHIND_STRING = re.compile(rb'[^",]*+')
_COLON = re.compile(rb"[ \t\r\n]*+:")
_IN_STRING = re.compile(
    rb"[^\"\\]*+(?:(?:\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\u(?![dD][89abAB])[0-9a-fA-F]{4})[^\"\\]*+)*",
    re.DOTALL,
)


def read_large(body: bytes, *, window: int = WINDOW) -> dict[str, Any]:
    """As `read_json`, in steps. Raises Fault as it does, and too_many_values."""
    reader = _Reader(body, window)
    while reader.at < len(body):
        reader.step()
    if reader.open or reader.root is None:
        raise _invalid(len(body), len(body))
    return reader.root


def splice_large(body: bytes, tree: Any, changes: Mapping[Path, str], *, window: int = WINDOW) -> bytes:
    """As `json_body.splice`, in steps, for a body that was read strictly. Raises KeyError for a path to no string."""
    out: list[bytes] = []
    cursor, left = 0, len(changes)
    for (path, is_key), (start, end) in zip(iter_string_paths(tree), _literals(body, window), strict=False):
        if not is_key and path in changes:
            out += (*slices(body, cursor, start), *_encoded(changes[path], window))
            cursor, left = end, left - 1
            if not left:
                break
    if left:
        raise KeyError(f"{left} paths lead to no string")
    return b"".join((*out, *slices(body, cursor, len(body))))


class _Reader:
    """A body that is read up to `at`, where a member begins. `open` are the containers around it, outermost first."""

    def __init__(self, body: bytes, window: int) -> None:
        self.body = body
        self.window = window
        self.at = 0
        self.root: dict[str, Any] | None = None
        self.open: list[Any] = []
        self._lead = b""  # opens these containers again, in front of a piece
        self._parts = 0
        self._values = 0

    def step(self) -> None:
        """Read the next piece."""
        body, at = self.body, self.at
        if at and not self.open:
            raise _invalid(at, len(body))
        if len(body) - at <= self.window:
            self._take(body[at:], len(body), is_last=True)
            return
        found = _TO_LAST_COMMA.match(body, at, at + self.window)
        if found is not None:
            self._take(body[at : found.end() - 1], found.end())
            return
        lead = _TO_OPEN_STRING.match(body, at, at + self.window)
        start = at if lead is None else lead.end()
        if body[start : start + 1] == b'"':
            self._take_long_string(start)
        else:  # blanks or digits without end
            self.window = 2 * self.window

    def _take(self, piece: bytes, end: int, *, is_last: bool = False) -> None:
        """Add what a piece says; it ends with a value, and whatever closes behind it."""
        self._check_edges(piece, end, is_last=is_last)
        bare, strings = _STRING.subn(b"", piece)
        self._values += bare.count(b",")
        brackets = bare.translate(None, _NO_BRACKETS)
        self._parts += strings + brackets.count(b"{") + brackets.count(b"[")
        if self._parts > MAX_PARTS or self._values > MAX_VALUES:
            raise _too_many()
        brackets = _unpaired(brackets)
        opened = len(brackets.lstrip(b"]}"))
        closed = len(brackets) - opened
        if closed > len(self.open):
            raise _invalid(self.at, end)
        still_open = _brackets_of(self.open)[: len(self.open) - closed] + brackets[closed:]
        self._merge(self._read(self._lead + piece + still_open[::-1].translate(_CLOSING), end))
        self._go_on(closed, opened)
        self.at = end

    def _check_edges(self, piece: bytes, end: int, *, is_last: bool) -> None:
        """A comma has a value on either side."""
        said = piece.strip(_BLANKS)
        if not said or (self.open and said[0] in b",]}") or (not is_last and said[-1] in b"[{,:"):
            raise _invalid(self.at, end)

    def _read(self, document: bytes, end: int) -> dict[str, Any]:
        try:
            return read_json(document)
        except Fault as fault:
            if fault.code is Code.INVALID_JSON and "not valid JSON" in fault.message:
                raise _invalid(self.at, end) from None
            raise

    def _merge(self, said: Any) -> None:
        if self.root is None:
            self.root = said
            self.open = []
            return
        for outer, inner in zip(self.open, [*self.open[1:], None], strict=False):
            following = None
            if inner is not None and type(said) is dict:
                following = said.pop(next(iter(said)))
            elif inner is not None:
                following = said.pop(0)
            if type(outer) is dict:
                for key in said:
                    if key in outer:
                        raise repeated_key(key)
                outer.update(said)
            else:
                outer.extend(said)
            said = following

    def _go_on(self, closed: int, opened: int) -> None:
        """Note which containers are open behind the piece, each the last value of the one around it."""
        assert self.root is not None
        if not self.open and opened:  # the first piece
            self.open, opened = [self.root], opened - 1
        elif closed:
            del self.open[-closed:]
        for _ in range(opened):
            self.open.append(_last(self.open[-1]))
        self._lead = b"".join(
            b"{" + (b"" if inner is None else encode(next(reversed(outer))) + b":") if type(outer) is dict else b"["
            for outer, inner in zip(self.open, [*self.open[1:], None], strict=False)
        )
        if len(self._lead) > MAX_KEYS:
            raise _too_many()

    def _take_long_string(self, start: int) -> None:
        """A string that ends beyond the window: first its place, with an empty string in it, then what it says."""
        pieces = list(_pieces(self.body, start, self.window))
        end = pieces[-1][1]
        if _COLON.match(self.body, end + 1):  # keys are short, and so is what stands before this one
            if end - start > MAX_KEYS:
                raise _too_many()
            self.window = 2 * self.window
            return
        parts = [self._read_string(*piece) for piece in pieces]
        self._take(self.body[self.at : start] + b'""', end + 1)
        top = self.open[-1]
        top[next(reversed(top)) if type(top) is dict else -1] = "".join(parts)
        self._close()

    def _read_string(self, start: int, end: int) -> str:
        try:
            return str(decode(b'"%b"' % self.body[start:end]))
        except ValueError:  # msgspec's errors and bad UTF-8
            raise _invalid(start, end) from None

    def _close(self) -> None:
        """Read on behind a long string: what closes there, and the comma."""
        behind = _BEHIND_STRING.match(self.body, self.at)
        assert behind is not None
        closing = behind[0].translate(None, _BLANKS)
        if closing != _brackets_of(self.open)[::-1].translate(_CLOSING)[: len(closing)]:
            raise _invalid(self.at, behind.end())
        self._go_on(len(closing), 0)
        has_more = self.body[behind.end() : behind.end() + 1] == b","
        if has_more != bool(self.open):
            raise _invalid(self.at, behind.end())
        self.at = behind.end() + has_more


def _literals(body: bytes, window: int) -> Iterator[tuple[int, int]]:
    """Start and end of each string literal, quotes included."""
    at = 0
    while (start := body.find(b'"', at)) >= 0:
        found = _STRING.match(body, start, start + window)
        at = max(end for _, end in _pieces(body, start, window)) + 1 if found is None else found.end()
        yield start, at


def _pieces(body: bytes, start: int, window: int) -> Iterator[tuple[int, int]]:
    """Start and end of the pieces of the string whose quote stands at `start`: each can be decoded by itself."""
    at, size = start + 1, len(body)
    while True:
        end = _end_of_piece(body, at, min(size, at + window))
        is_last = body[end : end + 1] == b'"'
        for _ in range(3):  # not within a character
            if not is_last and at < end < size and body[end] & 0xC0 == 0x80:
                end -= 1
        if end == at and not is_last:
            raise _invalid(at, size)
        yield at, end
        if is_last:
            return
        at = end


def _end_of_piece(body: bytes, start: int, limit: int) -> int:
    """Where the string ends, or the last whole escape before the limit."""
    quote = body.find(b'"', start, limit)
    end = limit if quote < 0 else quote
    if body.find(b"\\", start, end) < 0:
        return end
    found = _IN_STRING.match(body, start, limit)
    assert found is not None
    return found.end()


def _encoded(text: str, window: int) -> Iterator[bytes]:
    """A string literal, in pieces."""
    yield b'"'
    for at in range(0, len(text), window):
        yield encode(text[at : at + window])[1:-1]
    yield b'"'


def _unpaired(brackets: bytes) -> bytes:
    """What is left of brackets where pairs are taken out: those that close, then those that open."""
    size = -1
    while size != len(brackets):
        size = len(brackets)
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return brackets


def _brackets_of(containers: list[Any]) -> bytes:
    return b"".join(b"{" if type(container) is dict else b"[" for container in containers)


def _last(container: Any) -> Any:
    return container[next(reversed(container)) if type(container) is dict else -1]


def _invalid(start: int, end: int) -> Fault:
    return Fault(Code.INVALID_JSON, f"The body is not valid JSON: see between the bytes {start} and {end}.")


def _too_many() -> Fault:
    return Fault(
        Code.TOO_MANY_VALUES,
        f"The body has more than {MAX_PARTS:,} strings, objects and arrays, {MAX_VALUES:,} values, or {MAX_KEYS:,} "
        "bytes of keys inside each other: send less at once.",
    )
