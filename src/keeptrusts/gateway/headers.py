"""Which headers pass, in each direction. Requests and answers are built from these lists, never copied."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

UP = (
    b"accept",
    b"anthropic-beta",
    b"anthropic-version",
    b"idempotency-key",
    b"openai-beta",
    b"traceparent",
    b"tracestate",
    b"user-agent",
)
"""What a provider may see of the client's request besides its content type. No credential, no cookie, no address."""

UP_PREFIX = b"x-stainless-"

DOWN = (
    b"content-type",
    b"openai-processing-ms",
    b"openai-version",
    b"retry-after",
    b"retry-after-ms",
    b"x-should-retry",
)
"""What a client may see of the provider's answer. Nothing that names our account there."""

DOWN_PREFIXES = (b"x-ratelimit-", b"anthropic-ratelimit-")

MAX_KNOWN = 128
"""Sets of names that are remembered, each way."""


def request_lines(headers: Mapping[bytes, bytes], declared: frozenset[bytes] = frozenset()) -> bytes:
    """The client's header lines that go to the provider; not those that the target sets itself."""
    return _lines(headers, _going_up(tuple(headers), declared))


def answer_lines(headers: Mapping[bytes, bytes], *, with_limits: bool = True) -> bytes:
    """The provider's header lines that go to the client; its request id under a name of its own.

    `with_limits`: those of its own rate limits too, which would contradict ours.
    """
    lines = _lines(headers, _coming_down(tuple(headers), with_limits))
    upstream_id = headers.get(b"x-request-id") or headers.get(b"request-id")
    return lines + b"x-upstream-request-id: %b\r\n" % upstream_id if upstream_id else lines


class _Passing(NamedTuple):
    """Which headers pass, and their lines without values."""

    names: tuple[bytes, ...]
    form: bytes


def _lines(headers: Mapping[bytes, bytes], passing: _Passing) -> bytes:
    return passing.form % tuple([headers[name] for name in passing.names])


def _passing(names: Iterable[bytes]) -> _Passing:
    names = tuple(names)
    return _Passing(names, b"".join(b"%b: %%b\r\n" % name.replace(b"%", b"%%") for name in names))


# Remembered: one client's, or provider's, headers have the same names call after call, whatever their values.


@lru_cache(maxsize=MAX_KNOWN)
def _going_up(names: tuple[bytes, ...], declared: frozenset[bytes]) -> _Passing:
    return _passing(name for name in names if (name in UP or name.startswith(UP_PREFIX)) and name not in declared)


@lru_cache(maxsize=MAX_KNOWN)
def _coming_down(names: tuple[bytes, ...], with_limits: bool) -> _Passing:
    prefixes = DOWN_PREFIXES if with_limits else ()
    return _passing(name for name in names if name in DOWN or name.startswith(prefixes))
