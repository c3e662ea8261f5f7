"""The facts of one call as they come to light; at its end they become its decision event. Never the text."""

import re
from functools import lru_cache
from typing import Protocol

import msgspec

from keeptrusts.contract.call import Call, Route
from keeptrusts.contract.events import Decision, PolicyOutcome
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.usage import Usage
from keeptrusts.gateway.callers import Caller
from keeptrusts.gateway.estimate import estimate_input, estimate_usage
from keeptrusts.gateway.event_json import (
    boolean,
    or_null,
    outcome_json,
    quoted,
    tally_json,
    text_json,
    usage_json,
)
from keeptrusts.gateway.faults import status_of
from keeptrusts.gateway.judging import Tally
from keeptrusts.gateway.limits.limiter import Lease
from keeptrusts.gateway.limits.standing import limit_lines
from keeptrusts.gateway.outbox import Outbox
from keeptrusts.gateway.snapshot import Snapshot
from keeptrusts.gateway.spend.account import Hold
from keeptrusts.gateway.targets import Target
from keeptrusts.gateway.trace import Trace
from keeptrusts.providers.errors import POLICY_CODES
from keeptrusts.runtime.clock import Clock

_BLOCKS = POLICY_CODES | {Code.BUDGET_EXCEEDED}
_CLIENT_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_NO_USAGE = Usage()
ROUTE_PATHS = {route: f"/v1/{route}" for route in Route}
_NO_SPEND = '"spend_bucket":null,"spend_day":null'
_NO_TARGET = '"provider":null,"target_id":null'
_UNPAID = frozenset(
    {Code.UPSTREAM_UNREACHABLE, Code.UPSTREAM_ERROR, Code.UPSTREAM_REFUSED_CREDENTIAL, Code.UPSTREAM_REDIRECT}
)
"""Failures for which no provider charges: it never had the call, or did not serve it."""


class Observer(Protocol):
    """Who is told of calls that have ended, such as the meter. Must not raise: telemetry never fails a call."""

    def note(self, record: "CallRecord") -> None: ...


class Nobody:
    """An Observer for calls that are counted elsewhere."""

    def note(self, record: "CallRecord") -> None:
        del record


class CallRecord(msgspec.Struct, kw_only=True):  # a Struct: it is made per call, in a tenth of a dataclass' time
    """One call from its first byte to its event. Times are seconds on the monotonic clock. Owned by the call's task.

    `upstream_s` is the time spent waiting for the provider, `overhead_s` what a streamed answer cost until it began;
    `pieces` and `answer_bytes` count its events. `is_served`: a whole answer came, which is charged for even where
    nobody can read it. `is_counted` is False where `usage` is not the last word on an answer that broke off. `sunk` is
    what attempts that failed must have cost (micro-dollars). `rulings` are of policies that judge a call once,
    `tallies` of those that read texts.
    Once it is closed, `latency_s`, `overhead_s`, `usage` and `cost` (micro-dollars) are final for all calls.
    """

    hex_id: str
    received_ns: int
    started: float
    route: Route
    caller: Caller
    snapshot: Snapshot
    client_request_id: str | None
    outbox: Outbox
    clock: Clock
    observer: Observer
    lease: Lease | None = None
    call: Call | None = None
    target: Target | None = None
    rulings: list[PolicyOutcome] = []
    tallies: list[Tally] = []
    attempts: list[str] = []
    usage: Usage | None = None
    is_counted: bool = True
    cost: int | None = None
    sunk: int = 0
    pieces: int = 0
    answer_bytes: int = 0
    status: int | None = None
    error_code: str | None = None
    trace: Trace | None = None
    first_byte: float | None = None
    upstream_s: float = 0.0
    latency_s: float = 0.0
    overhead_s: float | None = None
    hold: Hold | None = None
    is_sent: bool = False
    is_served: bool = False
    is_closed: bool = False
    _asked: str | None = None

    @property
    def request_id(self) -> str:
        return f"req_{self.hex_id}"

    def begin(self, target: Target) -> int:
        """The call goes to this target now. Gives a mark for `forget`. Raises as `open`."""
        self.target = target
        self.open()
        return len(self.tallies)

    def forget(self, mark: int, code: Code) -> None:
        """What an attempt that failed had told so far; the next target tells it anew. What it must have cost stays."""
        self.error_code = code
        self.sunk += self.cost_micros(self._usage()) or 0
        del self.tallies[mark:]
        self.usage = self.error_code = self.status = self.first_byte = None
        self.is_counted, self.is_served = True, False
        self.pieces = self.answer_bytes = 0

    def open(self) -> None:
        """Note that the call goes upstream now. Raises Fault where an audited call cannot be recorded."""
        usage = _NO_USAGE if self.call is None else estimate_input(self.call)
        facts = self._facts(usage, self._with_sunk(self.cost_micros(usage)))
        self.outbox.open(self.hex_id, self.received_ns, self.snapshot.events, facts)
        self.is_sent = True

    def close(self) -> None:
        """Write the call's event, once. Raises Fault where an audited call cannot be recorded."""
        if self.is_closed:
            return
        self.is_closed = True
        self.latency_s = self.clock.monotonic() - self.started
        is_begun = self.overhead_s is not None
        if not is_begun:
            self.overhead_s = max(0.0, self.latency_s - self.upstream_s)
        self.usage = self._usage()
        self.cost = self._with_sunk(self.cost_micros(self.usage))
        try:
            self.outbox.close(self.hex_id, self.received_ns, self.snapshot.events, self._outcome())
        except Fault as fault:
            if not is_begun and self.error_code is None:  # this is what the answer will say instead
                self.status = status_of(fault)
            self.error_code = fault.code
            raise
        finally:
            if self.hold is not None:  # after its event: what is counted is never more than what the events say
                self.hold.settle(self.cost or 0)
            if self.lease is not None:  # before its answer: the client's next call finds the room that it leaves
                self.lease.release(self.used_tokens())
            self.observer.note(self)

    def limit_lines(self, *, anthropic: bool) -> bytes:
        """Header lines that say what is left of the caller's limits; none where there are none."""
        standings = None if self.lease is None else self.lease.standings
        return limit_lines(standings, anthropic=anthropic) if standings else b""

    def used_tokens(self) -> int:
        """What the call used, or is taken to have used; known once it is closed."""
        usage = self.usage or _NO_USAGE
        return usage.input_tokens + usage.output_tokens

    def decision(self) -> Decision:
        """The worst verdict so far. A refusal by what the pack says, before any text was judged, is a block too."""
        if self.error_code in _BLOCKS:
            return "block"
        worst: Decision = "allow"
        for tally in self.tallies:
            if tally.verdict == "block":
                return "block"
            if tally.verdict == "redact":
                worst = "redact"
        return worst

    def _outcome(self) -> str:
        """The JSON members of an `Outcome`."""
        policies = [outcome_json(ruling) for ruling in self.rulings]
        policies += [tally_json(tally) for tally in self.tallies]
        first_byte = "null" if self.first_byte is None else f"{(self.first_byte - self.started) * 1000:.3f}"
        return (
            f"{self._facts(self.usage or _NO_USAGE, self.cost)}"
            f',"status":{or_null(self.status)},"error_code":{quoted(self.error_code)}'
            f',"attempts":[{",".join(self.attempts)}]'
            f',"policies":[{",".join(policies)}]'
            f',"latency_ms":{self.latency_s * 1000:.3f},"first_byte_ms":{first_byte}'
            f',"overhead_ms":{(self.overhead_s or 0.0) * 1000:.3f}'
        )

    def _facts(self, usage: Usage, cost: int | None) -> str:
        """The JSON members of a `CallFacts`."""
        target, hold, decision = self.target, self.hold, self.decision()
        asked = self._asked
        if asked is None:  # its open record and its event have these in common: a call is read before either is written
            asked = self._asked = self._describe_call()
        return (
            f'"decision":"{decision}","reason_code":{quoted(self._reason(decision))},{asked}'
            f",{_NO_TARGET if target is None else target.event_members}"
            f',"usage":{usage_json(usage)},"cost_micros":{or_null(cost)}'
            f",{_NO_SPEND if hold is None else hold.account.event_members}"
        )

    def _describe_call(self) -> str:
        """Those members of a `CallFacts` that the call itself says."""
        call, caller = self.call, self.caller
        stream, model = (False, None) if call is None else (call.stream, call.model)
        usual = _usual_members(self.route, stream, caller.key_id, caller.identity.user, model)
        return f'"client_request_id":{quoted(self.client_request_id)},{usual}'

    def _reason(self, decision: Decision) -> str | None:
        """What the first said that decided so; what is allowed needs no reason."""
        if decision == "allow":
            return None
        for ruling in self.rulings:
            if ruling.reason_code and ruling.verdict == decision:
                return ruling.reason_code
        for tally in self.tallies:
            if tally.reason_code and tally.verdict == decision:
                return tally.reason_code
        return self.error_code if decision == "block" else None

    def cost_micros(self, usage: Usage) -> int | None:
        """What so much costs at the target, in micro-dollars; None where nobody says."""
        call, target = self.call, self.target
        price = None if call is None or target is None else target.price_of(call.model)
        if price is None or not price.covers(self.route):
            return None
        return 0 if usage is _NO_USAGE else price.cost_micros(usage)

    def _with_sunk(self, cost: int | None) -> int | None:
        return self.sunk + (cost or 0) if self.sunk else cost

    def _usage(self) -> Usage:
        """What the provider said, else an estimate of what it must have seen and made."""
        if self.usage is not None and self.is_counted:
            return self.usage
        if self.route is Route.COUNT_TOKENS or self.call is None or not self.is_sent:
            return _NO_USAGE
        if self.error_code in _UNPAID and not (self.pieces or self.is_served):
            return _NO_USAGE
        return estimate_usage(self.call, self.usage, self.pieces, self.answer_bytes)


@lru_cache(maxsize=1024)
def _usual_members(route: Route, stream: bool, key_id: str | None, user: str | None, model: str | None) -> str:
    """What many calls have in common."""
    return (
        f'"route":"{ROUTE_PATHS[route]}","stream":{boolean(stream)},"key_id":{quoted(key_id)}'
        f',"user":{text_json(user)},"model":{quoted(model)}'
    )


def client_request_id(value: bytes | None) -> str | None:
    """The client's own request id, where it is one that can stand in a log."""
    return value.decode("ascii") if value and _CLIENT_REQUEST_ID.fullmatch(value) else None


def attempt(target: Target, status: int | None, took_s: float) -> str:
    """The JSON of an `Attempt`."""
    return f'{{"target_id":"{target.id}","status":{or_null(status)},"ms":{took_s * 1000:.3f}}}'
