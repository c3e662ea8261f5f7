"""The path of a request, top to bottom: key, call, input policies, target, provider, output policies, event, answer.

Every model route goes through here; none bypasses a policy. The event reaches the kernel before the last byte of the
answer reaches the client.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from keeptrusts.contract.call import Changes, Route, Text, Unreadable
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.answers import Answer
from keeptrusts.gateway.aside import Aside
from keeptrusts.gateway.callers import Caller, Callers
from keeptrusts.gateway.faults import render_malformed
from keeptrusts.gateway.health import Gauges
from keeptrusts.gateway.http.exchange import BodyRule, Exchange, Head
from keeptrusts.gateway.http.refusals import Malformed, Refusal
from keeptrusts.gateway.identity import name_caller
from keeptrusts.gateway.judging import check_call
from keeptrusts.gateway.limits.limiter import Limiter
from keeptrusts.gateway.outbox import INTERRUPTED, Outbox
from keeptrusts.gateway.permits import check_permitted, permitted_models
from keeptrusts.gateway.record import CallRecord, client_request_id
from keeptrusts.gateway.routing import ALWAYS, Leg, Trigger
from keeptrusts.gateway.snapshot import Snapshot
from keeptrusts.gateway.spend.admission import BUDGET_SPENT, WITHIN_BUDGET, bound_plan
from keeptrusts.gateway.spend.book import SpendBook
from keeptrusts.gateway.spend.learned import LearnedBounds
from keeptrusts.gateway.telemetry import Telemetry
from keeptrusts.gateway.upstream import TRIGGERS, Upstream, compose, trigger_of
from keeptrusts.policies.spend_limit import SpendLimit
from keeptrusts.providers.catalog import dialect_of
from keeptrusts.providers.large_json import LARGE
from keeptrusts.providers.translation.token_count import count_reply
from keeptrusts.runtime.clock import Clock
from keeptrusts.runtime.http.client import HttpClient
from keeptrusts.runtime.identifiers import HexPool

KEY_IN_URL = re.compile(rb"kt_gk_|(?:^|&)(?:(?:x[-_])?api[-_]?key|key|(?:access|auth)[-_]?token|token)=", re.IGNORECASE)
"""Credentials in a query would reach the provider's logs and ours."""

_NO_TRIGGERS: frozenset[Trigger] = frozenset()

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Admission(BodyRule):
    """A call that was let in: by whom, on which route, and under the configuration that it keeps to its end.

    `model` is the one that the path names, where it names one.
    """

    route: Route
    caller: Caller
    snapshot: Snapshot
    pipeline: "Pipeline" = field(repr=False)
    model: str | None = None

    @property
    def holder(self) -> str | None:
        return None if self.caller.is_anonymous else self.caller.key_id or ""

    def serves(self, snapshot: Snapshot, caller: Caller, model: str | None) -> bool:
        """Whether it lets in this call too."""
        return self.snapshot is snapshot and self.caller is caller and self.model == model

    def refuse(self, head: Head, malformed: Malformed) -> Refusal:
        return self.pipeline.refuse_unread(head, self, malformed)


class Pipeline:
    """Serves calls on model routes. Shared by all connections; what belongs to one call is in its CallRecord."""

    def __init__(  # noqa: PLR0913 - the parts of a gateway
        self,
        active: ActiveConfig,
        callers: Callers,
        client: HttpClient,
        outbox: Outbox,
        clock: Clock,
        gauges: Gauges,
        *,
        aside: Aside,
        limiter: Limiter,
        telemetry: Telemetry,
        book: SpendBook,
    ) -> None:
        self._active = active
        self._callers = callers
        self._upstream = Upstream(client, clock)
        self._outbox = outbox
        self._clock = clock
        self._gauges = gauges
        self._aside = aside
        self._limiter = limiter
        self._telemetry = telemetry
        self._book = book
        self._learned = LearnedBounds()
        self._identifiers = HexPool()
        self._admissions: dict[Route, Admission] = {}  # the last of each route: most calls get the same

    def admit(self, route: Route, head: Head, *, model: str | None = None) -> Admission:
        """Decide from the head alone whether to read the body. Raises Fault."""
        if head.method != "POST":
            raise Fault(Code.METHOD_NOT_ALLOWED, "Model routes take POST only.")
        if head.query and KEY_IN_URL.search(head.query):
            raise Fault(Code.INVALID_REQUEST, "A key does not belong into a URL: send it in a header.")
        caller = self._callers.identify(head)
        snapshot = self._active.current()
        if caller.trusts_identity_headers:
            caller = name_caller(caller, head.headers, snapshot.identity_headers)
        if not snapshot.pack.pack.enabled:
            raise Fault(Code.PACK_DISABLED, f"Pack {snapshot.pack.pack.name} is disabled: its `pack.enabled` is false.")
        if self._gauges.is_draining:
            raise Fault(Code.DRAINING, "This gateway is shutting down: repeat the call.")
        self._limiter.check(snapshot.limits, caller)
        admission = self._admissions.get(route)
        if admission is None or not admission.serves(snapshot, caller, model):
            admission = Admission(snapshot.pack.size_limits.max_body_bytes, route, caller, snapshot, self, model)
            self._admissions[route] = admission
        return admission

    def refuse_unread(self, head: Head, admission: Admission, malformed: Malformed) -> Refusal:
        """The answer to a call that was let in and whose body cannot be taken; it has its event like any other."""
        record = self._open_record(head, admission)
        record.status, record.error_code = malformed.status, malformed.code
        with suppress(Fault):  # it is refused anyway
            record.close()
        is_anthropic = dialect_of(admission.route).name == "anthropic"
        return render_malformed(malformed, record.request_id, anthropic=is_anthropic)

    async def serve(self, exchange: Exchange, admission: Admission) -> None:
        """One call, from its body to its event."""
        record = self._open_record(exchange.head, admission)
        answer = Answer(exchange, record, dialect_of(admission.route))
        lease = record.lease = self._limiter.begin(admission.caller)
        self._gauges.in_flight += 1
        self._gauges.requests += 1
        try:
            self._limiter.admit(lease, record.snapshot.limits, record.caller, len(exchange.body))
            await self._serve(answer, admission.model)
        except Fault as fault:
            answer.refuse(fault)
        except asyncio.CancelledError:
            record.error_code = INTERRUPTED if self._gauges.is_cutting else "client_disconnected"
            raise
        except Exception:
            log.exception("a call failed", extra={"facts": {"request_id": record.request_id}})
            answer.refuse(Fault(Code.INTERNAL, "The gateway failed on this call."))
        finally:
            self._gauges.in_flight -= 1
            try:
                answer.settle()
            finally:
                lease.release(record.used_tokens() if lease.held_tokens else 0)

    async def _serve(self, answer: Answer, model: str | None) -> None:
        record, exchange, dialect = answer.record, answer.exchange, answer.dialect
        content_type = exchange.head.headers.get(b"content-type", b"")
        if len(exchange.body) > LARGE:
            read = self._aside.run(dialect.read_call, record.route, exchange.body, content_type, model=model)
            call = record.call = await read
        else:
            call = record.call = dialect.read_call(record.route, exchange.body, content_type, model=model)
        check_call(call, record.snapshot.pack.providers, record.snapshot.output)
        snapshot, identity = record.snapshot, record.caller.identity
        if snapshot.call_policies:
            check_permitted(snapshot.call_policies, call, identity, snapshot.input, record.rulings)
        texts: Sequence[Text] = ()
        unreadable: Sequence[Unreadable] = ()
        if snapshot.input.policies or snapshot.spend is not None:
            is_large = len(call.body) > LARGE
            texts, unreadable = await self._aside.run(dialect.texts, call) if is_large else dialect.texts(call)
        changes = await self._judge_input(texts, unreadable, record) if snapshot.input.policies else {}
        permits = permitted_models(snapshot.call_policies, identity)
        if call.route is Route.COUNT_TOKENS and not snapshot.router.speaks(dialect.name, call.model, permits):
            answer.tell(count_reply(call.tree))
            return
        plan = snapshot.router.plan(call, dialect.name, self._clock.monotonic(), permits)
        if snapshot.spend is not None:
            learned = self._learned if snapshot.spend.bound == "learned" else None
            plan, worst_micros = bound_plan(plan, call, changes, unreadable, learned)
            await self._hold(record, snapshot.spend, worst_micros)
        await self._bring(answer, plan, changes)
        if snapshot.spend is not None and record.target is not None and record.usage is not None:
            self._learned.learn(record.target.id, call, record.usage)

    async def _hold(self, record: CallRecord, limit: SpendLimit, worst_micros: int) -> None:
        """Take what the call may cost out of its budget. Raises Fault where there is no room."""
        book, key_id, received_ns = self._book, record.caller.key_id, record.received_ns
        try:
            hold = book.try_hold(limit, key_id, received_ns, worst_micros)
            record.hold = hold or await book.hold(limit, key_id, received_ns, worst_micros)
            record.rulings.append(WITHIN_BUDGET)
        except Fault as fault:
            if fault.code is Code.BUDGET_EXCEEDED:
                record.rulings.append(BUDGET_SPENT)
            raise

    async def _bring(self, answer: Answer, plan: Sequence[Leg], changes: Changes) -> None:
        """Try one target after the other, until the client has an answer. Raises Fault where the last one fails.

        Breakers are asked once more: since the plan was made the call may have waited, and others have gone first.
        """
        router = answer.record.snapshot.router
        for leg in plan[:-1]:
            if router.wait_s(leg.target, self._clock.monotonic()):
                continue
            if await self._attempt(answer, leg, changes, router.triggers):
                return
            leg.target.counters.fallbacks += 1
        router.check(plan[-1].target, self._clock.monotonic())
        await self._attempt(answer, plan[-1], changes, _NO_TRIGGERS)

    async def _attempt(self, answer: Answer, leg: Leg, changes: Changes, triggers: frozenset[Trigger]) -> bool:
        """False where the target failed, nothing went to the client, and `triggers` say that the next one may try."""
        record, call = answer.record, answer.record.call
        assert call is not None
        parts = (record, leg, answer.exchange.head, answer.dialect, call, changes)
        request = await self._aside.run(compose, *parts) if len(call.body) > LARGE else compose(*parts)
        mark = record.begin(leg.target)
        attempted = self._upstream.begin(record, leg)
        try:
            response = await attempted.send(request)
            trigger = trigger_of(response.status)
            attempted.judge(trigger)
            if trigger is not None and trigger in triggers:
                return False
            await answer.bring(response, leg.translator, may_leave=not triggers <= ALWAYS)
            if response.status < 400:  # an error that the client caused says nothing against the target
                attempted.judge(TRIGGERS.get(record.error_code or ""))
        except Fault as fault:
            trigger = TRIGGERS.get(fault.code)
            attempted.judge(trigger)
            if trigger is None or trigger not in triggers or answer.exchange.is_started:
                raise
            record.forget(mark, fault.code)
            return False
        finally:
            attempted.end()
        return True

    async def _judge_input(
        self, texts: Sequence[Text], unreadable: Sequence[Unreadable], record: CallRecord
    ) -> Changes:
        judge = record.snapshot.input
        judge.check_unreadable(unreadable)
        tallies = judge.tallies()
        record.tallies += tallies
        return await judge.judge(texts, tallies)

    def _open_record(self, head: Head, admission: Admission) -> CallRecord:
        received_ns = self._clock.unix_ns()
        return CallRecord(
            hex_id=self._identifiers.new_hex(received_ns),
            received_ns=received_ns,
            started=self._clock.monotonic(),
            route=admission.route,
            caller=admission.caller,
            snapshot=admission.snapshot,
            client_request_id=client_request_id(head.headers.get(b"x-request-id")),
            outbox=self._outbox,
            clock=self._clock,
            observer=self._telemetry,
            trace=self._telemetry.begin(head),
        )
