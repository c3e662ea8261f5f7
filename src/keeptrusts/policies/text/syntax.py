"""Reads the syntax of RE2 patterns, as far as `extent` must know it.

RE2 decides what a pattern means and whether it is one; this parser is only shown patterns that RE2 has accepted.
Classes and escapes stay opaque source text: how long a match is does not depend on which characters an atom takes.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

MAX_DEPTH = 20
MAX_GATE = 24
DIGITS = frozenset("0123456789")

ESCAPE = re.compile(
    r"\\(?:Q(?P<quoted>.*?)(?:\\E|\Z)|(?P<edge>[bBAz])|(?P<byte>C)|p\{[^}]*\}|P\{[^}]*\}|[pP].|x\{[^}]*\}|x..|[0-7]{1,3}|.)",
    re.DOTALL,
)
CLASS = re.compile(r"\[\^?\]?(?:\[:\^?\w+:\]|\\[pPx]\{[^}]*\}|\\.|[^\]\\])*\]", re.DOTALL)
SIMPLE_CLASS = re.compile(r"\[((?:[0-9A-Za-z](?:-[0-9A-Za-z])?)+)\]")
SIMPLE_RANGE = re.compile(r"(.)(?:-(.))?")
GROUP = re.compile(r"\((?:\?(?:P?<\w+>|(?P<flags>[imsU]*)(?:-(?P<cleared>[imsU]+))?(?P<end>[:)])))?")
REPEAT = re.compile(r"(?:([*+?])|\{(\d+)(?:(,)(\d+)?)?\})\??")


class UnsupportedSyntaxError(ValueError):
    """The pattern uses something whose extent cannot be told. The text says what."""


@dataclass(frozen=True, slots=True)
class Atom:
    """Takes exactly one character. `chars` are those it can take, None where that is not known."""

    text: str
    chars: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """Takes nothing: a word boundary, or the start or end of a text or line."""

    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """One after the other."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several."""

    options: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same again; `most` None is without bound."""

    item: "Node"
    least: int
    most: int | None


Node: TypeAlias = Atom | Edge | Run | Choice | Repeat


def parse_pattern(pattern: str) -> Node:
    """The tree of a pattern that RE2 accepts. Raises UnsupportedSyntaxError."""
    parser = Parser(pattern)
    node = parser.choice(frozenset(), 0)
    if parser.at < len(pattern):
        raise UnsupportedSyntaxError("unbalanced parentheses")
    return node


class Parser:
    """A recursive descent over one pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def choice(self, flags: frozenset[str], depth: int) -> Node:
        """Everything up to the closing parenthesis or the end."""
        if depth > MAX_DEPTH:
            raise UnsupportedSyntaxError(f"groups nested deeper than {MAX_DEPTH}")
        options: list[Node] = []
        items: list[Node] = []
        while self.at < len(self.pattern) and self.pattern[self.at] != ")":
            if self.pattern[self.at] == "|":
                self.at += 1
                options.append(Run(tuple(items)))
                items = []
            elif (changed := self.flag_switch(flags)) is not None:
                flags = changed
            else:
                items += self.repeated(self.item(flags, depth))
        options.append(Run(tuple(items)))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def flag_switch(self, flags: frozenset[str]) -> frozenset[str] | None:
        """The flags after `(?i)`; None where no such thing stands here."""
        found = GROUP.match(self.pattern, self.at)
        if found is None or found["end"] != ")":
            return None
        self.at = found.end()
        return changed_flags(flags, found)

    def item(self, flags: frozenset[str], depth: int) -> list[Node]:
        """The next group, escape, class or character. A quoted run gives several."""
        char = self.pattern[self.at]
        if char == "(":
            return [self.group(flags, depth)]
        if char == "\\":
            return self.escape(flags)
        if char == "[":
            return [self.char_class(flags)]
        self.at += 1
        if char in "^$":
            return [Edge(char)]
        if char == ".":
            return [Atom("(?s:.)" if "s" in flags else ".")]
        return [literal(char, flags)]

    def group(self, flags: frozenset[str], depth: int) -> Node:
        found = GROUP.match(self.pattern, self.at)
        if found is None:
            raise UnsupportedSyntaxError("an unknown kind of group")
        self.at = found.end()
        inner = self.choice(changed_flags(flags, found) if found["end"] else flags, depth + 1)
        if self.at >= len(self.pattern):
            raise UnsupportedSyntaxError("unbalanced parentheses")
        self.at += 1
        return inner

    def escape(self, flags: frozenset[str]) -> list[Node]:
        found = ESCAPE.match(self.pattern, self.at)
        if found is None or found["byte"]:
            raise UnsupportedSyntaxError(r"\C, which takes half a character")
        self.at = found.end()
        text = found[0]
        if found["quoted"] is not None:
            return [literal(char, flags) for char in found["quoted"]]
        if found["edge"]:
            return [Edge(text)]
        return [escaped(text, flags)]

    def char_class(self, flags: frozenset[str]) -> Node:
        found = CLASS.match(self.pattern, self.at)
        if found is None:
            raise UnsupportedSyntaxError("an unknown kind of class")
        self.at = found.end()
        return Atom(with_flags(found[0], flags), None if "i" in flags else class_chars(found[0]))

    def repeated(self, items: list[Node]) -> list[Node]:
        """The items, with a repetition that follows bound to the last of them."""
        found = REPEAT.match(self.pattern, self.at)
        if found is None or not items:
            return items
        self.at = found.end()
        sign, least, comma, most = found.groups()
        if sign:
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        else:
            low, high = int(least), int(most) if most else None if comma else int(least)
        return [*items[:-1], Repeat(items[-1], low, high)]


def changed_flags(flags: frozenset[str], found: re.Match[str]) -> frozenset[str]:
    return (flags | set(found["flags"] or "")) - set(found["cleared"] or "")


def with_flags(text: str, flags: frozenset[str]) -> str:
    return f"(?i:{text})" if "i" in flags else text


def literal(char: str, flags: frozenset[str]) -> Atom:
    chars = None if "i" in flags and char.isalpha() else frozenset(char)
    return Atom(with_flags(re.sub(r"([^\w\s]|_)", quote, char, flags=re.ASCII), flags), chars)


def quote(found: re.Match[str]) -> str:
    """RE2 takes a backslash before ASCII punctuation only."""
    char = found[0]
    return "\\" + char if char.isascii() and char != "_" else char


def escaped(text: str, flags: frozenset[str]) -> Atom:
    second = text[1]
    if second == "d":
        return Atom(text, DIGITS)
    if second in "01234567":
        return Atom(f"(?:{with_flags(text, flags)})")  # or a digit that follows would be read as part of it
    if len(text) == 2 and not second.isalnum():
        return literal(second, flags)
    return Atom(with_flags(text, flags))


def class_chars(text: str) -> frozenset[str] | None:
    """The members of a small class of plain ASCII characters and ranges, such as `[3-6]`."""
    found = SIMPLE_CLASS.fullmatch(text)
    if found is None:
        return None
    chars: set[str] = set()
    for first, last in SIMPLE_RANGE.findall(found[1]):
        chars.update(map(chr, range(ord(first), ord(last or first) + 1)))
    return frozenset(chars) if len(chars) <= MAX_GATE else None
