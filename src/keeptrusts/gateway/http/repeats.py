"""Recognizes a request whose head says again, byte for byte, what the one before it on its connection said.

Programs send the same fields with every call; only Content-Length differs. Such a head has been read and checked once:
comparing bytes costs a tenth of parsing them. Everything that frames otherwise, or does not match, is parsed. Pure.
"""

import re
from typing import NamedTuple

from keeptrusts.gateway.http.exchange import Head

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)[ \t]*\r\n", re.IGNORECASE)
END = b"\r\n\r\n"
MAX_DIGITS = 15
UNUSUAL = (b"transfer-encoding", b"content-encoding", b"expect", b"upgrade")


class Repeat(NamedTuple):
    """A head that was read: its bytes before and after the digits of Content-Length, and what it said."""

    before: bytes
    after: bytes  # empty where there was no Content-Length: then `before` is the whole request
    digits: bytes
    head: Head

    def __repr__(self) -> str:
        """Without the bytes: a credential is among them."""
        return f"Repeat({self.head.method} {self.head.path})"


def remember(data: bytes, head: Head) -> Repeat | None:
    """From the bytes that one request began and ended, and what was read in them; None where it is not plain."""
    headers = head.headers
    end = data.find(END) + len(END)
    if head.has_repeated_credentials or any(name in headers for name in UNUSUAL) or not data[:1].isalpha():
        return None
    said = headers.get(b"content-length")
    if said is None:
        return Repeat(data, b"", b"", head) if end == len(data) else None
    found = LENGTH.search(data, 0, end)
    if found is None or found[1] != said:
        return None
    return Repeat(data[: found.start(1)], data[found.end(1) : end], said, head)


def recognize(repeat: Repeat, data: bytes) -> tuple[Head, bytes] | None:
    """Head and body, where `data` is one whole request and nothing else, with the remembered head."""
    before, after, digits, known = repeat
    if not data.startswith(before):
        return None
    start = len(before)
    if not after:
        return (known, b"") if len(data) == start else None
    end = data.find(after, start, start + MAX_DIGITS + len(after))
    said = data[start:end]
    body = data[end + len(after) :]
    if end < 0 or not said.isdigit() or int(said) != len(body):
        return None
    if said == digits:
        return known, body
    headers = {**known.headers, b"content-length": said}
    return Head(known.method, known.path, known.query, headers, known.peer, known.is_tls), body
