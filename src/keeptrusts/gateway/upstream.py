"""One attempt at one target: the request, built from lists, and what is learnt of the target from how it went."""

import logging
from email.utils import parsedate_to_datetime

from msgspec import UNSET

from keeptrusts.config.targets import CircuitBreaker
from keeptrusts.contract.call import Call, Changes
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.breaker import Breaker
from keeptrusts.gateway.headers import request_lines
from keeptrusts.gateway.http.exchange import Head
from keeptrusts.gateway.record import CallRecord, attempt
from keeptrusts.gateway.routing import Leg, Trigger
from keeptrusts.gateway.targets import Target
from keeptrusts.gateway.trace_context import HEADERS as TRACE_HEADERS
from keeptrusts.gateway.upstream_faults import upstream_fault
from keeptrusts.providers.dialect import Dialect
from keeptrusts.runtime.clock import Clock
from keeptrusts.runtime.http.errors import HttpFailure
from keeptrusts.runtime.http.messages import Request
from keeptrusts.runtime.http.response import Response

log = logging.getLogger(__name__)

MAX_REST_S = 300.0
"""The longest that a target's `retry-after` is honoured before it is asked again."""

_REST_STATUSES = frozenset({429, 503, 529})
_DIALECT_HEADERS = frozenset({b"anthropic-beta", b"anthropic-version", b"openai-beta"})
_TRANSLATED_LINES = {"anthropic": b"anthropic-version: 2023-06-01\r\n", "openai": b""}

TRIGGERS: dict[str, Trigger] = {
    Code.UPSTREAM_UNREACHABLE: "unreachable",
    Code.UPSTREAM_TIMEOUT: "timeout",
    Code.UPSTREAM_ERROR: "server_error",
    Code.UPSTREAM_TRUNCATED: "server_error",
    Code.UPSTREAM_REFUSED_CREDENTIAL: "server_error",
    Code.UPSTREAM_REDIRECT: "server_error",
}
"""Which failures of a target are a reason to try another one."""


def trigger_of(status: int) -> Trigger | None:
    """Whether the status of an answer is a reason to try another target, and which."""
    if status < 400:
        return None
    if status == 429:
        return "rate_limit"
    if status in {408, 504}:
        return "timeout"
    return "server_error" if status >= 500 or status in {401, 403} else None


class Attempt:
    """An attempt under way. Whatever ends it: `end` comes last, and then the target's counters and breaker know.

    `succeeded` stays None where nothing is learnt about the target, as when the client left.
    """

    __slots__ = (
        "_began", "_clock", "_is_noted", "_is_probe", "_record", "_rule", "response", "succeeded", "target",
    )  # fmt: skip

    def __init__(self, clock: Clock, record: CallRecord, target: Target) -> None:
        self._clock = clock
        self._record = record
        self._rule = record.snapshot.pack.providers.circuit_breaker
        self._is_noted = False
        self.target = target
        self.response: Response | None = None
        self.succeeded: bool | None = None
        counters = target.counters
        self._is_probe = self._rule is not UNSET and counters.breaker.begin(self._rule)
        counters.requests += 1
        counters.open += 1
        self._began = clock.monotonic()

    def hear(self, response: Response) -> Trigger | None:
        """The head of an answer has come: whether it is a reason to try another target, and which."""
        self.response = response
        status, counters = response.status, self.target.counters
        counters.is_reachable = True
        ended = self._note(status)
        if status < 400:
            self.succeeded = True
            return None
        if status in _REST_STATUSES:
            counters.rests_until = ended + _rest_s(response.headers.get(b"retry-after", b""), self._clock)
        trigger = trigger_of(status)
        self.judge(trigger)
        return trigger

    def miss(self, failure: HttpFailure) -> Fault:
        """No answer has come: what that is to the client."""
        fault = upstream_fault(failure, self.target)
        self.target.counters.is_reachable = failure.was_sent
        self._note(None, fault.code)
        return fault

    def judge(self, trigger: Trigger | None) -> None:
        """Note how the target did. That it is busy says nothing about whether it works."""
        self.succeeded = True if trigger is None else None if trigger == "rate_limit" else False

    def end(self) -> None:
        if not self._is_noted:  # the client left before there was anything to hear
            self._note(None)
        counters, response = self.target.counters, self.response
        counters.open -= 1
        if self.succeeded is False or (response is not None and response.status >= 400):
            counters.failures += 1
        if self._rule is not UNSET:
            self._tell_breaker(self._rule, counters.breaker)
        if response is not None:
            response.abort()

    def _note(self, status: int | None, error_code: str | None = None) -> float:
        """How it went up to the head of its answer, and how long that took; gives the time."""
        self._is_noted = True
        record, counters, ended = self._record, self.target.counters, self._clock.monotonic()
        took = ended - self._began
        record.upstream_s += took
        record.attempts.append(attempt(self.target, status, took))
        counters.upstream_ms += took * 1000
        counters.last_status = status
        if record.trace is not None:
            record.trace.note_attempt(began=self._began, ended=ended, status=status, error_code=error_code)
        return ended

    def _tell_breaker(self, rule: CircuitBreaker, breaker: Breaker) -> None:
        """Note the outcome; a breaker that opens or closes is logged, one that stays as it is is not."""
        was_open = breaker.is_open(rule)
        breaker.end(rule, self._clock.monotonic(), is_probe=self._is_probe, succeeded=self.succeeded)
        is_open = breaker.is_open(rule)
        if is_open and not was_open:
            facts = {"target": self.target.id, "failures": breaker.failures, "cooldown_s": rule.cooldown_seconds}
            log.warning("circuit breaker opened", extra={"facts": facts})
        elif was_open and not is_open:
            log.info("circuit breaker closed", extra={"facts": {"target": self.target.id}})


def _rest_s(retry_after: bytes, clock: Clock) -> float:
    """How long a target asks to be left alone: seconds, or a date."""
    value = retry_after.decode("latin-1").strip()
    try:
        seconds = (parsedate_to_datetime(value) - clock.now()).total_seconds() if ":" in value else float(value or 0)
    except (TypeError, ValueError, OverflowError):  # TypeError: a date without time zone
        return 0.0
    return min(seconds, MAX_REST_S) if seconds > 0 else 0.0


def compose(record: CallRecord, leg: Leg, head: Head, dialect: Dialect, call: Call, changes: Changes) -> Request:
    """The request to the provider: built from lists, never copied from the client's."""
    target, translator = leg.target, leg.translator
    model = target.upstream_model(call.model)
    if translator is None:
        route, content_type, hidden, own = call.route, call.content_type, target.declared, b""
        body = dialect.write_call(
            call,
            model=model,
            changes=changes,
            ask_usage=not call.asks_usage,
            max_output_tokens=target.max_output_tokens,
        )
    else:
        route, content_type, hidden = translator.route, b"application/json", target.declared | _DIALECT_HEADERS
        own = _TRANSLATED_LINES[target.format]
        body = translator.write_call(call, model=model, changes=changes, max_output_tokens=target.max_output_tokens)
    if record.trace is not None:
        hidden, own = hidden | TRACE_HEADERS, own + record.trace.begin_attempt(target)
    lines = b"%b%b%bcontent-type: %b\r\naccept-encoding: %b\r\n" % (
        target.opening(route, model, head.query),
        request_lines(head.headers, hidden),
        own,
        content_type,
        b"identity" if call.stream else b"gzip, zstd",
    )
    return Request(
        origin=target.origin,
        head=lines,
        body=body,
        timeouts=target.timeouts,
        max_response_bytes=record.snapshot.pack.size_limits.max_response_bytes,
    )
