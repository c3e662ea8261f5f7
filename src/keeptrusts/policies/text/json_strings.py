"""JSON strings that arrive in pieces: what they say, and which bytes said it.

A string is judged by what it says; what was not changed goes on in the bytes it came in.
"""

import json
import re
from collections import deque
from collections.abc import Iterator

import msgspec

SPECIAL = re.compile(rb'["\\]')
SHORT_ESCAPES = re.compile(rb'(?:\\["\\/bfnrt][^"\\\x00-\x1f]{0,64}){1,64}')
TEXT = msgspec.json.Decoder(str)
HEX4 = re.compile(rb"[0-9A-Fa-f]{4}")
SHORT = {0x22: b'"', 0x5C: b"\\", 0x2F: b"/", 0x62: b"\b", 0x66: b"\f", 0x6E: b"\n", 0x72: b"\r", 0x74: b"\t"}
QUOTE, U = 0x22, 0x75


def read_escape(raw: bytes, at: int, *, final: bool) -> tuple[bytes, int] | None:
    r"""What the escape at `at` says, and how many bytes it takes; None while more bytes are needed.

    What is no escape (`\q`, `\u12`) says the backslash itself. A pair of surrogates is one character.
    """
    if len(raw) < at + 2:
        return (b"\\", 1) if final else None
    second = raw[at + 1]
    if second != U:
        said = SHORT.get(second)
        return (b"\\", 1) if said is None else (said, 2)
    unit = code_unit(raw, at)
    if unit is None:
        return (b"\\", 1) if final or len(raw) >= at + 6 else None
    if not 0xD800 <= unit < 0xDC00:
        return chr(unit).encode("utf-8", "surrogatepass"), 6
    if not final and len(raw) < at + 12 and b"\\u".startswith(raw[at + 6 : at + 8]):
        return None
    low = code_unit(raw, at + 6)
    if low is None or not 0xDC00 <= low < 0xE000:
        return chr(unit).encode("utf-8", "surrogatepass"), 6
    return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)).encode(), 12


def code_unit(raw: bytes, at: int) -> int | None:
    r"""The number of a whole `\uXXXX` at `at`."""
    if raw[at : at + 2] != b"\\u" or HEX4.match(raw, at + 2) is None:
        return None
    return int(raw[at + 2 : at + 6], 16)


def read_escapes(raw: bytes, at: int) -> tuple[bytes, int] | None:
    r"""The same for a run of short escapes (`\n`) and what stands between them, in one go; None where there is none."""
    found = SHORT_ESCAPES.match(raw, at)
    if found is None:
        return None
    end = found.end()
    while end < len(raw) and 0x80 <= raw[end] < 0xC0:  # never in the middle of a character
        end -= 1
    said = decode_string(b'"%b"' % raw[at:end])
    return None if said is None else (said, end - at)


def decode_string(literal: bytes) -> bytes | None:
    """What a whole string literal says; None where it is not strictly JSON, or has a lone surrogate."""
    try:
        return TEXT.decode(literal).encode()
    except ValueError:
        return None


def split_run(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """The plain parts and escapes of a run, each with the length of what it says."""
    at = 0
    while at < len(raw):
        found = SPECIAL.search(raw, at)
        end = len(raw) if found is None else found.start()
        if end > at:
            yield end - at, raw[at:end]
        at = end
        if found is not None:
            escape = read_escape(raw, at, final=True)
            assert escape is not None
            yield len(escape[0]), raw[at : at + escape[1]]
            at += escape[1]


class Origin:
    """Which bytes said what: runs of raw text in order, each with the length of what it says."""

    __slots__ = ("runs", "used")

    def __init__(self) -> None:
        self.runs: deque[tuple[int, bytes]] = deque()
        self.used = 0  # bytes of the first run that are taken already; only plain runs are cut

    def add(self, said: int, raw: bytes) -> None:
        self.runs.append((said, raw))

    def take(self, size: int) -> bytes:
        """The raw text of the next `size` bytes said, which must end between two characters."""
        out = []
        while size > 0:
            said, raw = self.runs[0]
            left = said - self.used
            if left <= size:
                out.append(raw[self.used :])
                size -= left
                self.used = 0
                self.runs.popleft()
            elif said == len(raw):
                out.append(raw[self.used : self.used + size])
                self.used += size
                size = 0
            else:
                self.runs.popleft()
                self.runs.extendleft(reversed(list(split_run(raw))))
        return b"".join(out)


def escape_text(text: str) -> str:
    """The text as it stands between the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
