"""Finds base64 in a text that arrives in pieces, and decodes what reads as text: one level, and only so much."""

import string

from keeptrusts.policies.injection.decoding import decode, hidden_runs, may_say_something, offset_of, readable
from keeptrusts.policies.text.detector import ANYWHERE, HERE, compile_search

MAX_DECODED = 1 << 20
"""Bytes of text, for one text, and as many of what stands among unreadable bytes."""

CHUNK = 16 * 1024
WHOLE = 8
"""Letters with which both a group of base64 and a character in UTF-16 end."""
BODY = r"[A-Za-z0-9+/_\-]"
BLOCK = compile_search(rf"{BODY}{{24,}}(?:\r?\n[ \t]*{BODY}+)*={{0,2}}")
REST = compile_search(rf"{BODY}*(?:\r?\n[ \t]*{BODY}+)*={{0,2}}")
ALPHABET = (string.ascii_letters + string.digits + "+/_-").encode()
SHAPE = bytes(ALPHABET[0] if code in ALPHABET else 0 for code in range(256))
SHORTEST = ALPHABET[:1] * 24
URL_SAFE = bytes.maketrans(b"-_", b"+/")
BLANKS = b"\r\n\t ="


class Collected:
    """What was read and not yet released, as long as there is `left` of its budget for one text."""

    __slots__ = ("left", "parts")

    def __init__(self) -> None:
        self.left = MAX_DECODED
        self.parts: list[bytes] = []

    def add(self, said: bytes) -> None:
        self.parts.append(said[: self.left])
        self.left -= len(self.parts[-1])

    def release(self) -> bytes:
        said = b"".join(self.parts)
        self.parts.clear()
        return said


class Base64Reader:
    """Reads the base64 of one text. What may still grow waits in `pending`; `inside` says that its begin is read.

    Blocks are read in chunks. What stands among unreadable bytes is looked for also in the last letters `before` a
    chunk, as many as say `reach` bytes, so that nothing of that length is lost where two chunks meet.
    """

    __slots__ = ("before", "hidden", "inside", "overlap", "pending", "texts", "was_text")

    def __init__(self, reach: int) -> None:
        self.overlap = (reach // 3 + 2) * 4
        self.pending = b""
        self.texts = Collected()
        self.hidden = Collected()
        self.close()

    def close(self) -> None:
        """No block is open."""
        self.inside = False
        self.before = b""
        self.was_text = True

    def read(self, data: bytes, *, final: bool) -> tuple[bytes, bytes]:
        """What further blocks say, each on lines of its own; and, apart, what they hide among unreadable bytes."""
        data = self.pending + data
        at = 0
        while True:
            start, end = self.find(data, at)
            if start < 0:
                self.pending = b"" if final else data[last_run(data, at) :]
                break
            block = data[start:end].translate(URL_SAFE, BLANKS)
            is_open = not final and not data[end:].strip(BLANKS)
            rest = self.take(block, is_open=is_open)
            if is_open:
                self.pending = rest + data[end:]
                break
            self.close()
            at = end
        return self.texts.release(), self.hidden.release()

    def find(self, data: bytes, at: int) -> tuple[int, int]:
        """The next block, or the rest of the one that is open."""
        start, end = (REST if self.inside else BLOCK)(HERE if self.inside else ANYWHERE, data, at, len(data))[0]
        return start, end

    def take(self, block: bytes, *, is_open: bool) -> bytes:
        """Read chunk by chunk; what is left of an open block is too short for one."""
        place = 0
        while len(block) - place >= CHUNK or (place < len(block) and not is_open):
            place += self.decode(block[place : place + CHUNK])
            self.inside = True
        return block[place:]

    def decode(self, chunk: bytes) -> int:
        """Read a chunk, or as much of it as the next one should not begin with; how many letters that is."""
        skip = offset_of(chunk)
        if skip and len(chunk) == CHUNK:
            chunk = chunk[: skip - WHOLE]
        around = self.before + chunk
        if (self.texts.left or self.hidden.left) and may_say_something(around):
            self.was_text = self.read_chunk(chunk, skip)
        else:
            self.was_text = False
        self.before = around[-self.overlap :]
        return len(chunk)

    def read_chunk(self, chunk: bytes, skip: int | None) -> bool:
        """Whether all of it is text. If so, only what lies over its begin may be hidden, if the last one was none."""
        said = b"" if skip is None else decode(chunk[skip:])
        text = readable(said)
        self.texts.add(b"\n" + text if text and not self.inside else text)
        is_text = skip == 0 and text == said and b"\0" not in said
        if not (is_text and self.was_text):
            self.add_hidden(self.before + (chunk[: self.overlap] if is_text else chunk), text)
        return is_text

    def add_hidden(self, letters: bytes, text: bytes) -> None:
        for run in hidden_runs(letters):
            if not self.hidden.left:
                break
            if run not in text:
                self.hidden.add(b"\n" + run)


def holds_block(data: bytes) -> bool:
    """Whether there is a block in a text: a search for the same letter over and over takes half of what BLOCK does."""
    return SHORTEST in data.translate(SHAPE)


def last_run(data: bytes, at: int) -> int:
    """Where the characters at the end begin that may become a block."""
    return max(at, len(data.rstrip(ALPHABET)))
