"""Puts patterns together from words. Every one has a bound, so that a window of that length never misses a match."""

import re
import unicodedata

W = r"""(?:(?:[\s\x{A0}\x{3000}"'*_~`(),:;>\-]|\\[nrt]){1,6})"""
"""What may stand between two words: blanks, also as JSON escapes them, and light punctuation."""

CLASS_OR_BLANK = re.compile(r"(\[(?:\\.|[^\]\\])*\])| ")


def some(words: str, most: int) -> str:
    """Up to so many of these words, in any order."""
    return f"(?:(?:{words}){W}){{0,{most}}}"


def spaced(pattern: str) -> str:
    """The pattern with its blanks, but for those in classes, as wide as `W`."""
    return CLASS_OR_BLANK.sub(lambda found: found[1] or W, pattern)


def with_plain_letters(pattern: str) -> str:
    """The pattern with each accented letter also in its plain form; none may stand in a class."""
    return "".join(both_forms(char) for char in pattern)


def both_forms(char: str) -> str:
    plain = unicodedata.normalize("NFD", char)[0]
    return char if char.isascii() or plain == char or not plain.isalpha() or ord(char) > 0x1FFF else f"[{char}{plain}]"
