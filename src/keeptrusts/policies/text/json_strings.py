"""JSON strings that arrive in pieces: what they say, and which bytes said it.

A string is judged by what it says; what was not changed goes on in the bytes it came in.
"""

import json
import re
from collections import deque

SPECIAL = re.compile(rb'["\\]')
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


class Origin:
    """Which bytes said what: runs of raw text in order, each with the length of what it says."""

    __slots__ = ("runs", "used")

    def __init__(self) -> None:
        self.runs: deque[tuple[int, bytes]] = deque()
        self.used = 0  # bytes of the first run that are taken already; only plain runs are cut

    def add(self, said: int, raw: bytes) -> None:
        self.runs.append((said, raw))

    def take(self, size: int) -> bytes:
        """The raw text of the next `size` bytes said. A plain run can be cut between characters, an escape nowhere."""
        out = []
        while size > 0:
            said, raw = self.runs[0]
            start, left = self.used, said - self.used
            if left > size:
                self.used += size
                out.append(raw[start : self.used])
                break
            out.append(raw[start:])
            size -= left
            self.used = 0
            self.runs.popleft()
        return b"".join(out)


def escape_text(text: str) -> str:
    """The text as it stands between the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
