"""What a caller of the HTTP client says: where to, what, and how long it may take. Values only."""

from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

DEFAULT_PORTS = {"https": 443, "http": 80}
MAX_RESPONSE_BYTES = 64 * 1024 * 1024


class Origin(NamedTuple):
    """Scheme, host (lower case, IPv6 without brackets) and port of a server. A tuple: pools hash it per call."""

    scheme: Literal["http", "https"]
    host: str
    port: int

    @property
    def authority(self) -> str:
        """As it stands in a Host header: with brackets where needed, without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if DEFAULT_PORTS[self.scheme] == self.port else f"{host}:{self.port}"


def parse_origin(url: str) -> Origin:
    """The origin of an http or https URL. Raises ValueError, without quoting the URL: it may hold a credential."""
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError("the URL must begin with https:// or http://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the URL must not contain a user name or password")
    if not parts.hostname or not parts.hostname.isascii() or any(mark in parts.hostname for mark in "% \t\r\n"):
        raise ValueError("the URL names no usable host")
    port = DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
    if port == 0:
        raise ValueError("port 0 cannot be connected to")
    scheme: Literal["http", "https"] = "https" if parts.scheme == "https" else "http"
    return Origin(scheme, parts.hostname.rstrip("."), port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. `first_byte_s`: from sending to the end of the answer's head; `idle_s`: between pieces of its body."""

    connect_s: float = 5.0
    first_byte_s: float = 600.0
    idle_s: float = 300.0
    total_s: float = 3600.0


class Request(
    msgspec.Struct, frozen=True, kw_only=True
):  # a Struct: it is made per call, in a fifth of a dataclass' time
    """One call.

    `head` is the request line and all fields, each line with its CRLF, without content-length and without the closing
    blank line: the client frames the body. `render_head` builds and checks one. `partition` names the tenant whose
    connections may be used: nothing is ever shared between two partitions.
    """

    origin: Origin
    head: bytes
    partition: str = ""
    body: bytes = b""
    timeouts: Timeouts = Timeouts()
    max_response_bytes: int = MAX_RESPONSE_BYTES
