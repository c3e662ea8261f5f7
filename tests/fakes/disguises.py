"""Ways to hide a text from a reader of plain characters. `{{name|text}}` in a corpus is a text in one of them."""

import base64
import re
import textwrap
from collections.abc import Callable

TURNED = {"a": 0x430, "e": 0x435, "o": 0x43E, "p": 0x440, "c": 0x441, "i": 0x456, "s": 0x455}
GREEK = {"a": 0x3B1, "o": 0x3BF, "i": 0x3B9, "u": 0x3C5, "v": 0x3BD, "p": 0x3C1}
ACCENTED = {"a": 0xE0, "e": 0xE9, "i": 0xED, "o": 0xF6, "u": 0xFC, "n": 0xF1, "I": 0xCD}


def shift(offset: int, alphabet: Callable[[str], bool]) -> Callable[[str], str]:
    return lambda text: "".join(chr(ord(char) + offset) if alphabet(char) else char for char in text)


def join(mark: str) -> Callable[[str], str]:
    return mark.join


def swap(table: dict[str, int]) -> Callable[[str], str]:
    return lambda text: text.translate({ord(char): code for char, code in table.items()})


def math(text: str) -> str:
    lower = shift(0x1D41A - ord("a"), str.islower)
    return lower(shift(0x1D400 - ord("A"), str.isupper)(text))


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


DISGUISES: dict[str, Callable[[str], str]] = {
    "base64": in_base64,
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64utf16": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    "base64lines": lambda text: "\n".join(textwrap.wrap(in_base64(text), 64)),
    "fullwidth": shift(0xFEE0, lambda char: "!" <= char <= "~"),
    "math": math,
    "circled": shift(0x24D0 - ord("a"), str.islower),
    "tags": shift(0xE0000, lambda _: True),
    "zero_width": join("\u200b"),
    "soft_hyphen": join("\u00ad"),
    "bidi": join("\u202a"),
    "zalgo": join("\u0336\u0301"),
    "variation": join("\ufe0f"),
    "cyrillic": swap(TURNED),
    "greek": swap(GREEK),
    "accents": swap(ACCENTED),
}


def disguise(text: str) -> str:
    """The text with its disguises put on."""
    return re.sub(r"\{\{(\w+)\|(.*?)\}\}", lambda found: DISGUISES[found[1]](found[2]), text, flags=re.DOTALL)
