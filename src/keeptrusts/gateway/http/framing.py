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
UPGRADE = re.compile(rb"(?<=\r\n)upgrade:[^\r\n]*\r\n", re.IGNORECASE)
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


class OffersHttp2(Malformed):
    """The client would also speak HTTP/2, as Java's own client says on every plain connection."""


def refuse_upgrade(protocol: bytes) -> None:
    """Raises OffersHttp2, which may be read again without the offer, or Malformed."""
    kind = OffersHttp2 if protocol.lower() == b"h2c" else Malformed
    raise kind("this server does not switch protocols", code="upgrade_not_offered")


def without_http2_offer(data: bytes) -> bytes:
    """The request without its offer, which RFC 9110 7.8 lets a server ignore; b"" where its head is not whole here.

    llhttp stops after the head of a request that offers to switch, wherever its body ends; so it has to be read as one
    that does not.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0 or not data[:1].isalpha():
        return b""
    return UPGRADE.sub(b"", data[: end + 2], count=1) + data[end + 2 :]


def check_repeated(name: bytes) -> bool:
    """Whether a second field of this name is a credential's. Raises Malformed where there may be only one."""
    if name in SINGLE:
        raise Malformed(f"the header {name.decode()} came more than once")
    return name in CREDENTIALS
