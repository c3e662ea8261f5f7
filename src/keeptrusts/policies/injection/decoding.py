"""What letters of base64 say: as a text, or hidden among bytes that are none."""

import binascii
import string
from collections.abc import Iterator

from keeptrusts.policies.text.detector import ANYWHERE, compile_search

MIN_CAPITALS = 3
HEAD = 24
RUN = compile_search(r"[\t\n\r\x20-\x7e\x{80}-\x{10ffff}]{16,}")
"""Letters in UTF-8 among bytes that are none. By chance there are as many in one of a million places."""
CAPITALS = string.ascii_uppercase.encode()
CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r") + b"\x7f"


def may_say_something(letters: bytes) -> bool:
    """Words and paths have hardly a capital, encoded texts have many."""
    return len(letters) - len(letters.translate(None, CAPITALS)) >= MIN_CAPITALS


def hidden_runs(letters: bytes) -> Iterator[bytes]:
    """The texts among bytes that are none, at each of the four places where a group of letters may begin."""
    for place in range(4):
        yield from runs(decode(letters[place:]))


def runs(said: bytes) -> Iterator[bytes]:
    """In UTF-8, or in UTF-16 as far as it is ASCII."""
    said = said.replace(b"\0", b"")
    end = 0
    while (span := RUN(ANYWHERE, said, end, len(said))[0])[0] >= 0:
        start, end = span
        yield said[start:end]


def offset_of(block: bytes) -> int | None:
    """How many of its first letters are no part of what reads as text; None where none of it does."""
    for skip in range(4):
        if readable(decode(block[skip : skip + HEAD])):
            return skip
    return None


def decode(block: bytes) -> bytes:
    whole = len(block) - (len(block) % 4 == 1)
    return binascii.a2b_base64(block[:whole] + b"=" * (-whole % 4))


def readable(said: bytes) -> bytes:
    """The text in UTF-8, or nothing where it is none."""
    if said.count(0) * 3 > len(said):
        said = said.decode("utf-16-le", "ignore").encode("utf-8", "ignore")
    text = said.decode("utf-8", "ignore").encode()
    controls = len(text) - len(text.translate(None, CONTROLS))
    return text if controls * 33 <= len(said) and len(text) * 8 >= len(said) * 7 else b""
