"""What can go wrong with a call to another server. Messages name hosts and limits, never headers, bodies or secrets."""

from enum import StrEnum


class Phase(StrEnum):
    """Where a call was when its time ran out."""

    CONNECT = "connect"
    FIRST_BYTE = "first_byte"
    IDLE = "idle"
    TOTAL = "total"


class HttpFailure(Exception):
    """A call that did not end in a whole answer. `was_sent`: the server may have seen and worked on the request."""

    was_sent = True


class ConnectFailed(HttpFailure):
    """No connection: the name, the address, the TLS handshake or the proxy failed. Nothing was sent."""

    was_sent = False


class AddressRefused(ConnectFailed):
    """The address check allows none of the addresses of this host."""


class TimedOut(HttpFailure):
    """A limit of `Timeouts` was reached."""

    def __init__(self, phase: Phase, message: str) -> None:
        super().__init__(message)
        self.phase = phase
        self.was_sent = phase is not Phase.CONNECT


class ConnectionLost(HttpFailure):
    """The server closed or reset the connection before the first byte of an answer."""


class ProtocolError(HttpFailure):
    """The answer is not HTTP/1.1 as we accept it."""


class Truncated(HttpFailure):
    """The answer began and did not end."""


class TooLarge(HttpFailure):
    """The answer's head or body is over its limit."""


class BadEncoding(HttpFailure):
    """The answer's body cannot be decoded by its content-encoding."""
