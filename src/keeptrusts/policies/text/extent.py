"""How far a pattern reaches: how long its matches are, how they can begin, and what they cannot be without."""

from collections.abc import Sequence

from keeptrusts.policies.text.syntax import DIGITS, MAX_GATE, Atom, Choice, Edge, Node, Repeat, Run

MANY = 8
NESTED = 32
RARE = frozenset("@+#$%&~|^<>{}")


def width(node: Node) -> tuple[int, int | None]:
    """The least and the most characters of a match; the most is None without a bound."""
    match node:
        case Atom():
            return 1, 1
        case Edge():
            return 0, 0
        case Run(items):
            widths = [width(item) for item in items]
            return sum(low for low, _ in widths), bounded_sum([high for _, high in widths])
        case Choice(options):
            widths = [width(option) for option in options]
            highs = [high for _, high in widths if high is not None]
            return min(low for low, _ in widths), max(highs) if len(highs) == len(widths) else None
        case Repeat(item, least, most):
            low, high = width(item)
            if high == 0:
                return 0, 0
            return low * least, None if most is None or high is None else high * most


def bounded_sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def source(node: Node) -> str:
    """The node as a pattern again, without its edges: it takes at least what the node takes."""
    match node:
        case Atom(text):
            return text
        case Edge():
            return ""
        case Run(items):
            return "".join(map(source, items))
        case Choice(options):
            return f"(?:{'|'.join(map(source, options))})"
        case Repeat(item, least, most):
            return repeat_source(source(item), least, most)


def repeat_source(inner: str, least: int, most: int | None) -> str:
    if most == 0 or not inner:
        return ""
    return f"(?:{inner}){{{least},{'' if most is None else most}}}"


def prefixes(node: Node) -> str:
    """A pattern that takes every beginning of every match of the node: none of it, part of it, all of it."""
    match node:
        case Atom(text):
            return f"(?:{text})?"
        case Edge():
            return ""
        case Run(items):
            return sequence_prefixes(items)
        case Choice(options):
            return f"(?:{'|'.join(map(prefixes, options))})"
        case Repeat(Atom(text), _, most):
            return repeat_source(text, 0, most)
        case Repeat(item, _, most):
            before = None if most is None else most - 1
            return "" if most == 0 else repeat_source(source(item), 0, before) + prefixes(item)


def sequence_prefixes(items: tuple[Node, ...]) -> str:
    """A beginning of the first item, or the whole first item and a beginning of what follows.

    Each item stands in it once, as a thousand terms together fit an automaton only so. A long sequence is halved: RE2
    limits how deep groups stand in one another.
    """
    if len(items) > NESTED:
        half = len(items) // 2
        first, second = items[:half], items[half:]
        return f"(?:{sequence_prefixes(first)}|{''.join(map(source, first))}{sequence_prefixes(second)})"
    pattern = ""
    for item in reversed(items):
        whole = f"{source(item)}{pattern}"
        pattern = f"(?:{whole})?" if isinstance(item, Atom) else f"(?:{whole}|{prefixes(item)})"
    return pattern


def loosen(node: Node, many: int = MANY) -> Node:
    """A node that takes more, and that an automaton runs with far fewer states: many of something are any number."""
    match node:
        case Atom() | Edge():
            return node
        case Run(items):
            return Run(tuple(loosen(item, many) for item in items))
        case Choice(options):
            return Choice(tuple(loosen(option, many) for option in options))
        case Repeat(item, least, most):
            if most is None or most > many:
                return Repeat(loosen(item, many), min(least, 1), None)
            return Repeat(loosen(item, many), least, most)


def rarity(chars: frozenset[str]) -> tuple[bool, bool, int, list[str]]:
    """Sorts the sets that rule out most texts to the front."""
    return not chars <= RARE, not chars <= DIGITS, len(chars), sorted(chars)


def necessary_chars(node: Node) -> frozenset[str] | None:
    """Characters of which every match contains at least one; None where no small set is known."""
    match node:
        case Atom(_, chars):
            return chars
        case Edge():
            return None
        case Run(items):
            known = [chars for item in items if (chars := necessary_chars(item)) is not None]
            return min(known, key=rarity, default=None)
        case Choice(options):
            every = [necessary_chars(option) for option in options]
            joined = frozenset().union(*(chars for chars in every if chars is not None))
            return None if None in every or len(joined) > MAX_GATE else joined
        case Repeat(item, least, _):
            return necessary_chars(item) if least else None


def has_text_edge(node: Node) -> bool:
    """Whether the pattern asks for the start or end of a text or line."""
    match node:
        case Edge(text):
            return text in {"^", "$", r"\A", r"\z"}
        case Run(items) | Choice(items):
            return any(map(has_text_edge, items))
        case Repeat(item):
            return has_text_edge(item)
        case _:
            return False
