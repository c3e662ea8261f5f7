"""Builds the head of an outgoing request, and checks that nothing in it can frame a second one.

Most of a head is the same for every call of a target: build those lines once with `field_line` and join.
"""

import re
from collections.abc import Iterable

from keeptrusts.runtime.http.messages import Origin

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VALUE = re.compile(rb"[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?|")
TARGET = re.compile(rb"/[\x21\x22\x24-\x7e]*")
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OURS = frozenset({
    b"host", b"content-length", b"transfer-encoding", b"connection", b"te", b"trailer", b"upgrade", b"expect",
    b"keep-alive", b"proxy-connection", b"proxy-authorization",
})  # fmt: skip


def field_line(name: bytes, value: bytes) -> bytes:
    """One header line with its CRLF. Raises ValueError for a name that frames or is no token, or an unsafe value."""
    if TOKEN.fullmatch(name) is None or name.lower() in OURS:
        raise ValueError("this header name is no token, or belongs to the connection and cannot be set")
    if VALUE.fullmatch(value) is None:
        raise ValueError(f"the value of the header {name.decode()} holds a line break or control character")
    return b"%b: %b\r\n" % (name, value)


def request_line(method: str, target: bytes, origin: Origin) -> bytes:
    """The request line and the Host field. `target`: path and query. Raises ValueError for what cannot stand there."""
    if method not in METHODS:
        raise ValueError(f"requests are made with one of {', '.join(sorted(METHODS))}")
    if TARGET.fullmatch(target) is None:
        raise ValueError("the path must begin with / and hold visible ASCII only")
    return b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (method.encode(), target, origin.authority.encode())


def render_head(method: str, target: bytes, origin: Origin, fields: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """A whole head for `Request.head`. Raises ValueError."""
    return request_line(method, target, origin) + b"".join(field_line(name, value) for name, value in fields)
