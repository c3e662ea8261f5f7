"""Answers that the edge gives by itself, to what it cannot hand to anyone: malformed, too large, too slow, too many."""

from dataclasses import dataclass

import msgspec

JSON_LINE = b"content-type: application/json\r\n"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer given instead of reading the body. `headers` are whole lines, each with its CRLF.

    `code` says why, where the edge refuses by itself: whoever else refuses counts for himself.
    """

    status: int
    headers: bytes
    body: bytes
    code: str = ""


class Malformed(Exception):
    """The request cannot be served. Raised inside the parser's callbacks; `status` and `code` say how to answer."""

    def __init__(self, message: str, *, code: str = "invalid_request", status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status


def refuse(malformed: Malformed) -> Refusal:
    """The error as its answer. A retry is told only where it can help: 503."""
    kind = "server_error" if malformed.status in {500, 503} else "invalid_request_error"
    error = {"message": malformed.message, "type": kind, "param": None, "code": malformed.code}
    retry = b"retry-after: 1\r\n" if malformed.status == 503 else b"x-should-retry: false\r\n"
    allow = b"allow: GET, HEAD, POST\r\n" if malformed.status == 405 else b""
    return Refusal(malformed.status, JSON_LINE + allow + retry, msgspec.json.encode({"error": error}), malformed.code)


def too_large(limit: int) -> Malformed:
    return Malformed(f"the request body is larger than {limit} bytes", code="body_too_large", status=413)


def overloaded(what: str) -> Malformed:
    return Malformed(f"the gateway is overloaded: {what}; try again shortly", code="overloaded", status=503)


INTERNAL = refuse(Malformed("the gateway failed on this request", code="internal_error", status=500))
