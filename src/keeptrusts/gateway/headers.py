"""Which headers pass, in each direction. Requests and answers are built from these lists, never copied."""

from collections.abc import Mapping

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


def request_lines(headers: Mapping[bytes, bytes], declared: frozenset[bytes] = frozenset()) -> bytes:
    """The client's header lines that go to the provider; not those that the target sets itself."""
    lines = b""
    for name, value in headers.items():
        if (name in _UP or name.startswith(UP_PREFIX)) and name not in declared:
            lines += b"%b: %b\r\n" % (name, value)
    return lines


def answer_lines(headers: Mapping[bytes, bytes], *, with_limits: bool = True) -> bytes:
    """The provider's header lines that go to the client; its request id under a name of its own.

    `with_limits`: those of its own rate limits too, which would contradict ours.
    """
    lines = b""
    for name, value in headers.items():
        if name in _DOWN or (with_limits and name.startswith(DOWN_PREFIXES)):
            lines += b"%b: %b\r\n" % (name, value)
    upstream_id = headers.get(b"x-request-id") or headers.get(b"request-id")
    return lines + b"x-upstream-request-id: %b\r\n" % upstream_id if upstream_id else lines


_UP = frozenset(UP)
_DOWN = frozenset(DOWN)
