"""Terms of the house as shapes: found in any case and, where their script puts spaces between words, as whole words."""

import unicodedata
from collections.abc import Iterator, Sequence

import re2

from keeptrusts.policies.text.checks import AHEAD, REFUSED
from keeptrusts.policies.text.problems import SettingProblem
from keeptrusts.policies.text.shapes import TERM, Shape

GAP = r"[\s\x{A0}\x{2007}\x{202F}]{1,4}"
MAX_ALL_BYTES = 16 * 1024
MAX_PART = 6 * 1024
"""Characters of the patterns that are searched as one."""

UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1100, 0x11FF),  # Hangul, whose particles stand at the word
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x318F),  # kana, Hangul
    (0x3400, 0x9FFF),  # Han
    (0xAC00, 0xD7FF),  # Hangul
    (0xF900, 0xFAFF),  # Han
    (0xFF66, 0xFFDC),  # halfwidth kana and Hangul
    (0x20000, 0x3FFFF),  # Han
)
"""Scripts in which a word does not end at a space."""


def check_terms(setting: str, terms: Sequence[str]) -> Iterator[SettingProblem]:
    for index, term in enumerate(terms):
        if not any(char.isalnum() for char in term):
            yield SettingProblem(f"{setting}[{index}]", "has no letter or digit", "write the words to look for")
    if (size := sum(len(term.encode("utf-8", "surrogatepass")) for term in terms)) > MAX_ALL_BYTES:
        message = f"the terms have {size} bytes together; at most {MAX_ALL_BYTES} are allowed"
        yield SettingProblem(setting, message, "say what they have in common as one pattern under detect_patterns")


def term_shapes(terms: Sequence[str]) -> tuple[Shape, ...]:
    """Shapes of all terms, and further ones for terms that begin with another: of those the longest is found."""
    layers: list[list[str]] = []
    begun: list[str] = []
    for term in sorted({" ".join(term.lower().split()) for term in terms}):
        while begun and not term.startswith(begun[-1]):
            begun.pop()
        if len(begun) == len(layers):
            layers.append([])
        layers[len(begun)].append(term)
        begun.append(term)
    return tuple(
        Shape(TERM, f"(?i:{'|'.join(part)})", check_word, family=TERM)
        for layer in layers
        for part in in_parts([term_pattern(term) for term in layer])
    )


def in_parts(patterns: Sequence[str]) -> Iterator[Sequence[str]]:
    """The patterns in their order, as many together as an automaton for their beginnings has room for."""
    begin = size = 0
    for index, pattern in enumerate(patterns):
        if size + len(pattern) > MAX_PART and size:
            yield patterns[begin:index]
            begin, size = index, 0
        size += len(pattern)
    yield patterns[begin:]


def term_pattern(term: str) -> str:
    """In composed and decomposed form, with any blanks between its words."""
    forms = dict.fromkeys((term, unicodedata.normalize("NFC", term), unicodedata.normalize("NFD", term)))
    return "|".join(GAP.join(map(re2.escape, form.split())) for form in forms)


def check_word(text: bytes, start: int, end: int) -> int:
    """Refuses a part of a longer word."""
    before = text[max(0, start - AHEAD) : start].decode("utf-8", "ignore")[-1:]
    after = text[end : end + AHEAD].decode("utf-8", "ignore")[:1]
    value = text[start:end].decode("utf-8", "surrogatepass")
    is_part = (is_in_word(before) and is_in_word(value[0])) or (is_in_word(value[-1]) and is_in_word(after))
    return REFUSED if is_part else end


def is_in_word(char: str) -> bool:
    """Whether a character is one of a word that goes on to the next space."""
    if not char or not (char.isalnum() or unicodedata.category(char) in {"Mn", "Mc"}):
        return False
    return not any(first <= ord(char) <= last for first, last in UNSPACED)
