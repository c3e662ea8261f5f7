"""Finds base64 in a text that arrives in pieces, and decodes what reads as text: one level, and only so much."""

import binascii
import string
from collections.abc import Iterator

from keeptrusts.policies.text.detector import ANYWHERE, HERE, compile_search

MAX_DECODED = 1 << 20
"""Bytes of text, for one text."""

CHUNK = 16 * 1024
MIN_CAPITALS = 3
HEAD = 24
BODY = r"[A-Za-z0-9+/_\-]"
BLOCK = compile_search(rf"{BODY}{{24,}}(?:\r?\n[ \t]*{BODY}+)*={{0,2}}")
RUN = compile_search(r"[\t\n\r\x20-\x7e\x{80}-\x{10ffff}]{16,}")
"""Letters in UTF-8 among bytes that are none. By chance there are as many in one of a million places."""
REST = compile_search(rf"{BODY}*(?:\r?\n[ \t]*{BODY}+)*={{0,2}}")
ALPHABET = (string.ascii_letters + string.digits + "+/_-").encode()
CAPITALS = string.ascii_uppercase.encode()
SHAPE = bytes(ALPHABET[0] if code in ALPHABET else 0 for code in range(256))
SHORTEST = ALPHABET[:1] * 24
URL_SAFE = bytes.maketrans(b"-_", b"+/")
BLANKS = b"\r\n\t ="
CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r") + b"\x7f"


class Base64Reader:
    """Reads the base64 of one text. What may still grow waits in `pending`; `inside` says that its begin is read."""

    __slots__ = ("inside", "left", "pending")

    def __init__(self) -> None:
        self.pending = b""
        self.inside = False
        self.left = MAX_DECODED

    def read(self, data: bytes, *, final: bool) -> bytes:
        """What further blocks say, each on lines of its own."""
        data = self.pending + data
        said = []
        at = 0
        while True:
            start, end = self.find(data, at)
            if start < 0:
                self.pending = b"" if final else data[last_run(data, at) :]
                break
            block = data[start:end].translate(None, BLANKS)
            if not self.inside and len(block) >= CHUNK:
                block = block[offset_of(block.translate(URL_SAFE)) :]  # or each chunk would lose what its letters share
            is_open = not final and not data[end:].strip(BLANKS)
            whole = len(block) // CHUNK * CHUNK if is_open else len(block)
            for place in range(0, whole, CHUNK):
                said.append(self.decode(block[place : place + CHUNK], separate=not self.inside))
                self.inside = True
            if is_open:
                self.pending = block[whole:] + data[end:]
                break
            self.inside = False
            at = end
        return b"".join(said)

    def find(self, data: bytes, at: int) -> tuple[int, int]:
        """The next block, or the rest of the one that is open."""
        start, end = (REST if self.inside else BLOCK)(HERE if self.inside else ANYWHERE, data, at, len(data))[0]
        return start, end

    def decode(self, block: bytes, *, separate: bool) -> bytes:
        text = decode_text(block)[: self.left]
        self.left -= len(text)
        return b"\n" + text if text and separate else text


def holds_block(data: bytes) -> bool:
    """Whether there is a block in a text: a search for the same letter over and over takes half of what BLOCK does."""
    return SHORTEST in data.translate(SHAPE)


def last_run(data: bytes, at: int) -> int:
    """Where the characters at the end begin that may become a block."""
    return max(at, len(data.rstrip(ALPHABET)))


def decode_text(block: bytes) -> bytes:
    """What a block says, if it reads as text at one of the four places where its first letters may be no part of it.

    Where it does not, or not all of it, what stands in it among other bytes is read at each of these places.
    """
    block = block.translate(URL_SAFE)
    if len(block) - len(block.translate(None, CAPITALS)) < MIN_CAPITALS:
        return b""
    skip = offset_of(block)
    said = b"" if skip is None else decode(block[skip:])
    text = readable(said)
    if text and text == said:
        return text
    hidden = (run for place in range(4) for run in runs(decode(block[place:])) if run not in text)
    return b"\n".join((text, *hidden))


def runs(said: bytes) -> Iterator[bytes]:
    """The texts among bytes that are none: in UTF-8, or in UTF-16 as far as it is ASCII."""
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
