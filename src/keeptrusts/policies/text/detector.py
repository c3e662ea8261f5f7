"""A set of shapes, compiled: where one may stand in a text, which it is, and what may still become one."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import re2

from keeptrusts.policies.text.checks import AHEAD
from keeptrusts.policies.text.extent import has_text_edge, loosen, necessary_chars, prefixes, source, width
from keeptrusts.policies.text.shapes import OWN, TERM, Shape
from keeptrusts.policies.text.syntax import Node, parse_pattern

SEARCH_MEMORY = 16 << 20
ANYWHERE = re2._Anchor.UNANCHORED  # noqa: SLF001 - the wrapper doubles the cost of a call
HERE = re2._Anchor.ANCHOR_START  # noqa: SLF001
WHOLE = re2._Anchor.ANCHOR_BOTH  # noqa: SLF001
MAX_CHAR_BYTES = 4
LONG_BOUNDS = re.compile(r"\{(\d+),\d{3,}\}")
SHORT = 256
SOUGHT_TOGETHER = 256
PEEK = 4
PEEKED = 8192


@dataclass(frozen=True, slots=True)
class Matcher:
    """One shape, ready to be tried at a place."""

    shape: Shape
    match: Callable[..., Any]


class Gate:
    """Bytes of which a text contains one if anything is to be found in it."""

    __slots__ = ("_search", "codes")

    def __init__(self, codes: Iterable[int]) -> None:
        self.codes = tuple(sorted(codes))
        self._search = re.compile(b"[%b]" % re.escape(bytes(self.codes))).search

    def is_open(self, text: bytes, start: int) -> bool:
        """Whether one of them stands at or after `start`. Of a long text, anywhere: each is sought at memory speed."""
        if len(text) - start <= SOUGHT_TOGETHER:
            return self._search(text, start) is not None
        for code in self.codes:  # noqa: SIM110 - a generator costs more than the search it saves
            if code in text:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Family:
    """Shapes that are searched in one pass, in texts whose `gate` is open (None: in all).

    `fitting` gives those that can match where the next PEEK bytes are these.
    """

    search: Callable[..., Any]
    gate: Gate | None
    fitting: Callable[[bytes], tuple[Matcher, ...]]

    def find(self, text: bytes, start: int) -> int:
        """Where the first match begins, -1 if nowhere."""
        return int(self.search(ANYWHERE, text, start, len(text))[0][0])


@dataclass(frozen=True, slots=True)
class Tail:
    """Finds the longest end of a text with which a match may begin, of at most `reach` bytes: no match is longer.

    With `parts` it looks for all of theirs at once. Each has a reach of its own, so they are asked one by one where
    what was found is longer than the shortest of these.
    """

    search: Callable[..., Any]
    reach: int
    parts: tuple["Tail", ...] = ()

    def find(self, text: bytes, start: int) -> int:
        size = len(text)
        place: int = self.search(ANYWHERE, text, start, size)[0][0]
        least = size - self.reach
        if place >= least:
            return place
        return min([part.find(text, start) for part in self.parts], default=least)


class Detector:
    """A set of shapes, compiled. Immutable and shared."""

    __slots__ = ("families", "gate", "has_text_edge", "tails")

    def __init__(self, families: tuple[Family, ...], tails: tuple[Tail, ...], *, has_text_edge: bool) -> None:
        self.families = families
        self.gate = join_gates(families)
        self.tails = tails
        self.has_text_edge = has_text_edge

    def hold(self, text: bytes, start: int) -> int:
        """The first place at or after `start` that is not decided while more text may come."""
        size = len(text)
        hold = size
        for tail in self.tails:
            place = tail.find(text, start)
            if place < hold:  # noqa: PLR1730 - min() would cost as much as the rest of this method
                hold = place
        return hold

    def starts(self, text: bytes, start: int) -> list[tuple[int, Family]]:
        """Where each family matches first, without those that match nowhere."""
        if self.gate is not None and not self.gate.is_open(text, start):
            return []
        return [
            (place, family)
            for family in self.families
            if (family.gate is None or family.gate.is_open(text, start)) and (place := family.find(text, start)) >= 0
        ]


def join_gates(families: tuple[Family, ...]) -> Gate | None:
    """One gate for them all; None where one of them has none."""
    gates = [family.gate for family in families if family.gate is not None]
    if not gates or len(gates) < len(families):
        return None
    return Gate({code for gate in gates for code in gate.codes})


@lru_cache(maxsize=4096)
def compile_detector(shapes: tuple[Shape, ...]) -> Detector:
    """A detector of these shapes, in their order of preference."""
    names = dict.fromkeys(shape.family for shape in shapes)
    families = tuple(compile_family(tuple(shape for shape in shapes if shape.family == name)) for name in names)
    own = tuple(shape for shape in shapes if shape.family == OWN)
    terms = tuple(shape for shape in shapes if shape.family == TERM)
    builtin = [shape for shape in shapes if shape.family not in {OWN, TERM}]
    short = tuple(shape for shape in builtin if longest_match(shape) <= SHORT)
    long = tuple(shape for shape in builtin if shape not in short)
    groups = ((short, long), (own,), *(((term,),) for term in terms))
    tails = tuple(compile_tails(parts) for parts in groups if any(parts))
    edges = any(has_text_edge(parse_pattern(shape.pattern)) for shape in (*own, *terms))
    return Detector(families, tails, has_text_edge=edges)


@lru_cache(maxsize=4096)
def compile_tails(groups: tuple[tuple[Shape, ...], ...]) -> Tail:
    """Packs share those of the built-in shapes; short and long ones are apart, as the longest decides on the reach."""
    groups = tuple(shapes for shapes in groups if shapes)
    parts = tuple(compile_tail(shapes) for shapes in groups)
    if len(parts) == 1:
        return parts[0]
    search = compile_search(rf"(?:{'|'.join(map(beginnings, groups))})\z")
    return Tail(search, min(part.reach for part in parts), parts)


@lru_cache(maxsize=4096)
def compile_tail(shapes: tuple[Shape, ...]) -> Tail:
    search = compile_search(rf"(?:{beginnings(shapes)})\z")
    return Tail(search, max(map(longest_match, shapes)) * MAX_CHAR_BYTES + AHEAD)


def beginnings(shapes: tuple[Shape, ...]) -> str:
    """A pattern for whatever may become a match of one of these shapes."""
    return "|".join(prefixes(begun(shape)) for shape in shapes)


def begun(shape: Shape) -> Node:
    """The shape as its beginnings are looked for: own patterns exactly; of terms, which may be many, only the words."""
    tree = parse_pattern(shape.pattern)
    if shape.family == OWN:
        return tree
    return loosen(tree, many=1) if shape.family == TERM else loosen(tree)


def longest_match(shape: Shape) -> int:
    """In characters."""
    most = width(parse_pattern(shape.pattern))[1]
    assert most is not None, shape.pattern
    return most


@lru_cache(maxsize=4096)
def compile_family(shapes: tuple[Shape, ...]) -> Family:
    search = compile_search("|".join(f"(?:{sought(shape)})" for shape in shapes))
    gates = [necessary_chars(parse_pattern(shape.pattern)) for shape in shapes]
    codes = {char.encode()[-1] for chars in gates if chars is not None for char in chars}
    return Family(search, Gate(codes) if codes and None not in gates else None, compile_fitting(shapes))


def sought(shape: Shape) -> str:
    """A pattern that matches wherever the shape does, and that an automaton runs with far fewer states.

    Only the place counts, where the shape itself then is tried.
    """
    return shape.pattern if shape.family in {OWN, TERM} else LONG_BOUNDS.sub(r"{\1,}?", shape.pattern)


def compile_fitting(shapes: tuple[Shape, ...]) -> Callable[[bytes], tuple[Matcher, ...]]:
    """Trying a shape costs a microsecond; most can be ruled out by their first bytes, once for all texts."""
    if len(shapes) == 1:
        only = (Matcher(shapes[0], compile_search(f"(?:{shapes[0].pattern})", captures=shapes[0].in_context)),)
        return lambda _: only
    matchers = {compile_matcher(shape): compile_begin(shape) for shape in shapes}

    @lru_cache(maxsize=PEEKED)
    def fitting(peek: bytes) -> tuple[Matcher, ...]:
        if not peek.isascii():
            return tuple(matchers)
        return tuple(matcher for matcher, begins in matchers.items() if begins(WHOLE, peek, 0, len(peek))[0][0] >= 0)

    return fitting


@lru_cache(maxsize=4096)
def compile_matcher(shape: Shape) -> Matcher:
    return Matcher(shape, compile_search(shape.pattern, captures=shape.in_context))


@lru_cache(maxsize=4096)
def compile_begin(shape: Shape) -> Callable[..., Any]:
    """Takes the first bytes of whatever holds a match."""
    tree = loosen(parse_pattern(shape.pattern))
    return compile_search(f"(?s:(?:{prefixes(tree)})|(?:{source(tree)}).*)")


@lru_cache(maxsize=4096)
def compile_search(pattern: str, *, captures: bool = False) -> Callable[..., Any]:
    match: Callable[..., Any] = re2.compile(pattern, search_options(captures=captures))._regexp.Match  # noqa: SLF001
    return match


@cache
def search_options(*, captures: bool = False) -> Any:
    options = re2.Options()
    options.max_mem = SEARCH_MEMORY
    options.never_capture = not captures
    options.log_errors = False
    return options
