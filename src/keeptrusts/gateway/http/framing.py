"""What llhttp lets through and this edge does not: everything that two parsers could read differently.

llhttp itself refuses bare CR and LF, folded lines, spaces before a colon, control characters, repeated or odd
Content-Length, Content-Length beside Transfer-Encoding, and malformed chunks. Pure: no sockets here.
"""

import re

from keeptrusts.gateway.http.refusals import Malformed

METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
MAX_HEAD_BYTES = 65536
MAX_FIELDS = 200
MAX_TARGET_BYTES = 8192
CREDENTIALS = frozenset({b"authorization", b"x-api-key", b"api-key"})
SINGLE = frozenset({
    b"host", b"content-length", b"transfer-encoding", b"content-type", b"content-encoding", b"expect",
})  # fmt: skip
AUTHORITY = re.compile(rb"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def split_target(target: bytes, host: bytes | None) -> tuple[str, bytes]:
    """(path, query) of a request target: a path, or an absolute URL of this very Host. Raises Malformed for others."""
    if len(target) > MAX_TARGET_BYTES:
        raise Malformed("the request target is too long", code="target_too_long", status=414)
    if not target.startswith(b"/"):
        target = _from_absolute(target, host)
    if b"#" in target or not target.isascii():
        raise Malformed("the request target holds a fragment or a character that is not ASCII")
    path, _, query = target.partition(b"?")
    return path.decode("ascii"), query


def _from_absolute(target: bytes, host: bytes | None) -> bytes:
    scheme, mark, rest = target.partition(b"://")
    authority, slash, path = rest.partition(b"/")
    if not mark or scheme.lower() not in {b"http", b"https"} or host is None or authority.lower() != host.lower():
        raise Malformed("the request target must be a path, or an absolute URL of the Host that is named")
    return slash + path if slash else b"/"


def check_host(host: bytes | None, *, is_1_1: bool) -> None:
    """Raises Malformed unless there is a Host, as HTTP/1.1 demands, that is a plain name or address."""
    if host is None:
        if is_1_1:
            raise Malformed("the Host header is missing")
    elif AUTHORITY.fullmatch(host) is None:
        raise Malformed("the Host header is not a host name")


def check_coding(coding: bytes, *, is_1_1: bool) -> None:
    """Raises Malformed for a Transfer-Encoding that is not exactly chunked, on HTTP/1.1."""
    if coding.lower() != b"chunked" or not is_1_1:
        raise Malformed("the only transfer-encoding is chunked, on HTTP/1.1")


def check_repeated(name: bytes) -> bool:
    """Whether a second field of this name is a credential's. Raises Malformed where there may be only one."""
    if name in SINGLE:
        raise Malformed(f"the header {name.decode()} came more than once")
    return name in CREDENTIALS
