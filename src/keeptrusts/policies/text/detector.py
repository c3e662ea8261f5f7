"""A set of shapes, compiled: where one may stand in a text, which it is, and what may still become one."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import re2

from keeptrusts.policies.text.checks import Check
from keeptrusts.policies.text.extent import has_text_edge, necessary_chars, prefixes, source
from keeptrusts.policies.text.shapes import OWN, Shape
from keeptrusts.policies.text.syntax import parse_pattern

SEARCH_MEMORY = 16 << 20
ANYWHERE = re2._Anchor.UNANCHORED  # noqa: SLF001 - the wrapper doubles the cost of a call
HERE = re2._Anchor.ANCHOR_START  # noqa: SLF001
WHOLE = re2._Anchor.ANCHOR_BOTH  # noqa: SLF001
PEEK = 4
PEEKED = 8192


@dataclass(frozen=True, slots=True)
class Matcher:
    """One shape, ready to be tried at a place. `begins` takes the first bytes of whatever holds a match there."""

    kind: str
    match: Callable[..., Any]
    begins: Callable[..., Any]
    check: Check | None
    effort: int


@dataclass(frozen=True, slots=True)
class Family:
    """Shapes that are searched in one pass, in texts that contain one of the `gate` bytes (None: in all).

    `fitting` gives those that can match where the next PEEK bytes are these.
    """

    search: Callable[..., Any]
    gate: tuple[int, ...] | None
    fitting: Callable[[bytes], tuple[Matcher, ...]]

    def find(self, text: bytes, start: int) -> int:
        """Where the first match begins, -1 if nowhere."""
        return int(self.search(ANYWHERE, text, start, len(text))[0][0])


class Detector:
    """A set of shapes, compiled. Immutable and shared."""

    __slots__ = ("families", "gate", "has_text_edge", "tails")

    def __init__(
        self, families: tuple[Family, ...], tails: tuple[Callable[..., Any], ...], *, has_text_edge: bool
    ) -> None:
        self.families = families
        self.gate = join_gates(families)
        self.tails = tails
        self.has_text_edge = has_text_edge

    def hold(self, text: bytes, start: int) -> int:
        """The first place at or after `start` that is not decided while more text may come."""
        size = len(text)
        hold = size
        for tail in self.tails:
            hold = min(hold, tail(ANYWHERE, text, start, size)[0][0])
        return hold

    def starts(self, text: bytes, start: int) -> list[tuple[int, Family]]:
        """Where each family matches first, without those that match nowhere."""
        if self.gate is not None and not is_any_in(self.gate, text):
            return []
        return [
            (place, family)
            for family in self.families
            if (family.gate is None or is_any_in(family.gate, text)) and (place := family.find(text, start)) >= 0
        ]


def join_gates(families: tuple[Family, ...]) -> tuple[int, ...] | None:
    """Bytes of which a text contains one if any family has a find in it; None where no small set is known."""
    gates = [family.gate for family in families]
    return None if None in gates else tuple(sorted({code for gate in gates if gate is not None for code in gate}))


def is_any_in(gate: tuple[int, ...], text: bytes) -> bool:
    for code in gate:  # noqa: SIM110 - a generator costs more than the search it saves
        if code in text:
            return True
    return False


@lru_cache(maxsize=4096)
def compile_detector(shapes: tuple[Shape, ...]) -> Detector:
    """A detector of these shapes, in their order of preference."""
    names = dict.fromkeys(shape.family for shape in shapes)
    families = tuple(compile_family(tuple(shape for shape in shapes if shape.family == name)) for name in names)
    builtin = tuple(shape for shape in shapes if shape.family != OWN)
    own = tuple(shape for shape in shapes if shape.family == OWN)
    tails = tuple(compile_tail(part) for part in (builtin, own) if part)
    edges = any(has_text_edge(parse_pattern(shape.pattern)) for shape in own)
    return Detector(families, tails, has_text_edge=edges)


@lru_cache(maxsize=4096)
def compile_tail(shapes: tuple[Shape, ...]) -> Callable[..., Any]:
    """Finds the longest end of a text with which a match may begin. Packs share the one of the built-in shapes."""
    beginnings = "|".join(prefixes(parse_pattern(shape.pattern)) for shape in shapes)
    match: Callable[..., Any] = re2.compile(rf"(?:{beginnings})\z", search_options())._regexp.Match  # noqa: SLF001
    return match


@lru_cache(maxsize=4096)
def compile_family(shapes: tuple[Shape, ...]) -> Family:
    search = re2.compile("|".join(f"(?:{shape.pattern})" for shape in shapes), search_options())
    gates = [necessary_chars(parse_pattern(shape.pattern)) for shape in shapes]
    gate = sorted({char.encode()[-1] for chars in gates if chars is not None for char in chars})
    matchers = tuple(map(compile_matcher, shapes))

    @lru_cache(maxsize=PEEKED)
    def fitting(peek: bytes) -> tuple[Matcher, ...]:
        """Trying a shape costs a microsecond; most can be ruled out by their first bytes, once for all texts."""
        if not peek.isascii():
            return matchers
        return tuple(matcher for matcher in matchers if matcher.begins(WHOLE, peek, 0, len(peek))[0][0] >= 0)

    return Family(search._regexp.Match, None if None in gates else tuple(gate), fitting)  # noqa: SLF001


@lru_cache(maxsize=4096)
def compile_matcher(shape: Shape) -> Matcher:
    match = re2.compile(shape.pattern, search_options(captures=shape.in_context))
    tree = parse_pattern(shape.pattern)
    begins = re2.compile(f"(?s:(?:{prefixes(tree)})|(?:{source(tree)}).*)", search_options())
    return Matcher(shape.kind, match._regexp.Match, begins._regexp.Match, shape.check, shape.effort)  # noqa: SLF001


@cache
def search_options(*, captures: bool = False) -> Any:
    options = re2.Options()
    options.max_mem = SEARCH_MEMORY
    options.never_capture = not captures
    options.log_errors = False
    return options
