"""What a call notes of its trace while it runs: identifiers and attempts. Spans are made of it when it has ended."""

import random
from typing import Protocol

import msgspec

from keeptrusts.gateway.http.exchange import Head
from keeptrusts.gateway.targets import Target
from keeptrusts.gateway.trace_context import TraceContext, read_context, write_context


class AttemptTrace(msgspec.Struct):
    """One try at one target. Times are seconds on the monotonic clock; `status` is None where no answer came."""

    span_id: int
    target: Target
    began: float = 0.0
    ended: float = 0.0
    status: int | None = None
    error_code: str | None = None


class Trace(msgspec.Struct):
    """One call's place in a trace. Owned by the call's task; `parent` is what the client said, `is_tls` how it came."""

    trace_id: int
    span_id: int
    parent: TraceContext | None
    is_sampled: bool
    is_tls: bool = False
    attempts: list[AttemptTrace] = []

    def begin_attempt(self, target: Target) -> bytes:
        """Give the next attempt a span of its own: the header lines by which the provider continues the trace."""
        attempt = AttemptTrace(_span_id(), target)
        self.attempts.append(attempt)
        state = b"" if self.parent is None else self.parent.state
        return write_context(TraceContext(self.trace_id, attempt.span_id, self.is_sampled, state))

    def note_attempt(self, *, began: float, ended: float, status: int | None, error_code: str | None) -> None:
        """How the last attempt went, up to the head of its answer."""
        attempt = self.attempts[-1]
        attempt.began, attempt.ended, attempt.status, attempt.error_code = began, ended, status, error_code


class Sampling(Protocol):
    """Decides which calls are traced."""

    def admits(self, trace_id: int, parent: TraceContext | None) -> bool: ...


class Tracing:
    """Begins the traces of calls, where tracing is on."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling

    def begin(self, head: Head) -> Trace:
        """The trace of a call: the client's, if it sent one, else a new one."""
        parent = read_context(head.headers)
        trace_id = random.getrandbits(128) or 1 if parent is None else parent.trace_id
        return Trace(trace_id, _span_id(), parent, self._sampling.admits(trace_id, parent), head.is_tls)


def _span_id() -> int:
    return random.getrandbits(64) or 1
