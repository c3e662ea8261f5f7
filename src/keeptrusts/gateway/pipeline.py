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

from keeptrusts.contract.call import Call, Changes, Route, Text, Unreadable
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.answers import Answer
from keeptrusts.gateway.aside import Aside
from keeptrusts.gateway.callers import Caller, Callers
from keeptrusts.gateway.faults import render_malformed, status_of
from keeptrusts.gateway.health import Gauges
from keeptrusts.gateway.http.exchange import BodyRule, Exchange, Head
from keeptrusts.gateway.http.refusals import Malformed, Refusal
from keeptrusts.gateway.identity import name_caller
from keeptrusts.gateway.judging import check_call
from keeptrusts.gateway.limits.limiter import Limiter
from keeptrusts.gateway.outbox import INTERRUPTED, Outbox
from keeptrusts.gateway.permits import check_permitted, permitted_models
from keeptrusts.gateway.record import CallRecord, Nobody, Observer, client_request_id
from keeptrusts.gateway.routing import ALWAYS, Leg, Permits, Trigger, any_model
from keeptrusts.gateway.snapshot import Snapshot
from keeptrusts.gateway.spend.account import Hold
from keeptrusts.gateway.spend.admission import BUDGET_SPENT, WITHIN_BUDGET, bound_plan
from keeptrusts.gateway.spend.book import SpendBook
from keeptrusts.gateway.spend.learned import LearnedBounds
from keeptrusts.gateway.telemetry import Telemetry
from keeptrusts.gateway.upstream import TRIGGERS, Attempt, compose
from keeptrusts.policies.spend_limit import SpendLimit
from keeptrusts.providers.catalog import dialect_of
from keeptrusts.providers.dialect import Dialect
from keeptrusts.providers.large_json import LARGE
from keeptrusts.providers.translation.token_count import count_reply
from keeptrusts.runtime.clock import Clock
from keeptrusts.runtime.http.client import HttpClient
from keeptrusts.runtime.http.errors import HttpFailure
from keeptrusts.runtime.identifiers import HexPool

KEY_IN_URL = re.compile(rb"kt_gk_|(?:^|&)(?:(?:x[-_])?api[-_]?key|key|(?:access|auth)[-_]?token|token)=", re.IGNORECASE)
"""Credentials in a query would reach the provider's logs and ours."""

_NO_TRIGGERS: frozenset[Trigger] = frozenset()

_NOBODY = Nobody()

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
    dialect: Dialect
    model: str | None = None

    def refuse(self, head: Head, malformed: Malformed) -> Refusal:
        return self.pipeline.refuse_unread(head, self, malformed)


class TurnedAway(Exception):
    """A call with a key that is not served now, and why; its event bears the request id."""

    def __init__(self, fault: Fault, request_id: str) -> None:
        super().__init__(fault.code)
        self.fault = fault
        self.request_id = request_id


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
        self._client = client
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
        """Decide from the head alone whether to read the body. Raises Fault for a call without a valid key.

        Raises TurnedAway for one with a key that is not served now: it has its event like any other.
        """
        if head.method != "POST":
            raise Fault(Code.METHOD_NOT_ALLOWED, "Model routes take POST only.")
        if head.query and KEY_IN_URL.search(head.query):
            raise Fault(Code.INVALID_REQUEST, "A key does not belong into a URL: send it in a header.")
        caller = self._callers.identify(head)
        snapshot = self._active.current()
        try:
            if caller.trusts_identity_headers:
                caller = name_caller(caller, head.headers, snapshot.identity_headers)
            self._check_open(snapshot, caller)
        except Fault as closed:
            if caller.is_anonymous:
                raise
            admission = self._admission(route, caller, snapshot, model)
            raise TurnedAway(closed, self._record_refusal(head, admission, status_of(closed), closed.code)) from closed
        return self._admission(route, caller, snapshot, model)

    def _check_open(self, snapshot: Snapshot, caller: Caller) -> None:
        """Whether calls are served now, and one more of this caller. Raises Fault where not."""
        if not snapshot.pack.pack.enabled:
            raise Fault(Code.PACK_DISABLED, f"Pack {snapshot.pack.pack.name} is disabled: its `pack.enabled` is false.")
        if self._gauges.is_draining:
            raise Fault(Code.DRAINING, "This gateway is shutting down: repeat the call.")
        self._limiter.check(snapshot.limits, caller)

    def _admission(self, route: Route, caller: Caller, snapshot: Snapshot, model: str | None) -> Admission:
        admission = self._admissions.get(route)
        if admission is None or not (
            admission.snapshot is snapshot and admission.caller is caller and admission.model == model
        ):
            if admission is None or admission.snapshot is not snapshot:  # none keeps an old one, with its credentials
                self._admissions = {where: one for where, one in self._admissions.items() if one.snapshot is snapshot}
            limit, dialect = snapshot.pack.size_limits.max_body_bytes, dialect_of(route)
            holder = None if caller.is_anonymous else caller.key_id or ""
            admission = Admission(limit, route, caller, snapshot, self, dialect, model, holder=holder)
            self._admissions[route] = admission
        return admission

    def refuse_unread(self, head: Head, admission: Admission, malformed: Malformed) -> Refusal:
        """The answer to a call that was let in and whose body cannot be taken; it has its event like any other."""
        request_id = self._record_refusal(head, admission, malformed.status, malformed.code, self._telemetry)
        return render_malformed(malformed, request_id, anthropic=admission.dialect.name == "anthropic")

    def _record_refusal(
        self, head: Head, admission: Admission, status: int, code: str, observer: Observer = _NOBODY
    ) -> str:
        """Write the event of a call whose body is not read. Gives its request id."""
        record = self._open_record(head, admission)
        record.status, record.error_code, record.observer = status, code, observer
        with suppress(Fault):  # it is refused anyway
            record.close()
        return record.request_id

    async def serve(self, exchange: Exchange, admission: Admission) -> None:
        """One call, from its body to its event."""
        record = self._open_record(exchange.head, admission)
        answer = Answer(exchange, record, admission.dialect)
        lease = record.lease = self._limiter.begin(admission.caller)
        self._gauges.in_flight += 1
        self._gauges.requests += 1
        try:
            self._limiter.admit(lease, admission.snapshot.limits, admission.caller, len(exchange.body))
            plan, changes = await self._prepare(answer, admission.model)
            if plan:
                await self._bring(answer, plan, changes)
                if admission.snapshot.spend is not None and admission.snapshot.spend.bound == "learned":
                    self._learn(record)
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
                if not record.is_closed:
                    answer.settle()
            finally:
                lease.release()

    async def _prepare(self, answer: Answer, model: str | None) -> tuple[Sequence[Leg], Changes]:
        """Read, judge and plan a call, and hold what it may cost. An empty plan: it has been answered."""
        record, exchange, dialect, snapshot = answer.record, answer.exchange, answer.dialect, answer.record.snapshot
        content_type = exchange.head.headers.get(b"content-type", b"")
        is_large = len(exchange.body) > LARGE
        if is_large:
            read = self._aside.run(dialect.read_call, record.route, exchange.body, content_type, model=model)
            call = record.call = await read
        else:
            call = record.call = dialect.read_call(record.route, exchange.body, content_type, model=model)
        permits = self._check(record, call)
        texts: Sequence[Text] = ()
        unreadable: Sequence[Unreadable] = ()
        changes: Changes = {}
        if snapshot.input.policies or snapshot.spend is not None:
            texts, unreadable = await self._aside.run(dialect.texts, call) if is_large else dialect.texts(call)
        if snapshot.input.policies:
            tallies = snapshot.input.begin(unreadable, record.tallies)
            judged = snapshot.input.judge_short(texts, tallies)
            changes = await snapshot.input.judge(texts, tallies) if judged is None else judged
        if call.route is Route.COUNT_TOKENS and not snapshot.router.speaks(dialect.name, call.model, permits):
            answer.tell(count_reply(call.tree))
            return (), changes
        plan = self._plan(record, call, dialect.name, permits)
        if snapshot.spend is not None:
            learned = self._learned if snapshot.spend.bound == "learned" else None
            plan, worst_micros = bound_plan(plan, call, changes, unreadable, learned)
            hold = self._book.try_hold(snapshot.spend, record.caller.key_id, record.received_ns, worst_micros)
            record.hold = hold or await self._wait_for_room(record, snapshot.spend, worst_micros)
            record.rulings.append(WITHIN_BUDGET)
        return plan, changes

    @staticmethod
    def _check(record: CallRecord, call: Call) -> Permits:
        """Whether the pack lets this caller ask for this at all, before a text is read. Raises Fault where not."""
        snapshot = record.snapshot
        check_call(call, snapshot.pack.providers, snapshot.output)
        if not snapshot.call_policies:
            return any_model
        identity = record.caller.identity
        check_permitted(snapshot.call_policies, call, identity, snapshot.input, record.rulings)
        return permitted_models(snapshot.call_policies, identity)

    def _plan(self, record: CallRecord, call: Call, dialect: str, permits: Permits) -> Sequence[Leg]:
        """Where the call may go, in turn. Raises Fault where nowhere."""
        snapshot = record.snapshot
        try:
            plan = snapshot.router.plan(call, dialect, self._clock.monotonic(), permits)
        except Fault as fault:
            if fault.code is Code.NO_COMPLIANT_TARGET:
                record.rulings += snapshot.not_compliant
            raise
        record.rulings += snapshot.compliant
        return plan

    async def _wait_for_room(self, record: CallRecord, limit: SpendLimit, worst_micros: int) -> Hold:
        """Take what the call may cost out of its budget, when others have made room. Raises Fault where none has."""
        try:
            return await self._book.hold(limit, record.caller.key_id, record.received_ns, worst_micros)
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
            if router.has_breaker and router.wait_s(leg.target, self._clock.monotonic()):
                continue
            if await self._attempt(answer, leg, changes, router.triggers):
                return
            leg.target.counters.fallbacks += 1
        if router.has_breaker:
            router.check(plan[-1].target, self._clock.monotonic())
        await self._attempt(answer, plan[-1], changes, _NO_TRIGGERS)

    async def _attempt(self, answer: Answer, leg: Leg, changes: Changes, triggers: frozenset[Trigger]) -> bool:
        """False where the target failed, nothing went to the client, and `triggers` say that the next one may try."""
        record, call = answer.record, answer.record.call
        assert call is not None
        head, dialect = answer.exchange.head, answer.dialect
        if len(call.body) > LARGE:
            request = await self._aside.run(compose, record, leg, head, dialect, call, changes)
        else:
            request = compose(record, leg, head, dialect, call, changes)
        mark = record.begin(leg.target)
        attempt = Attempt(self._clock, record, leg.target)
        try:
            try:
                response = await self._client.send(request)
            except HttpFailure as failure:
                raise attempt.miss(failure) from failure
            if attempt.hear(response) in triggers:
                return False
            await answer.bring(response, leg.translator, may_leave=not triggers <= ALWAYS)
            if record.error_code is not None and response.status < 400:  # what the client caused says nothing
                attempt.judge(TRIGGERS.get(record.error_code))
        except Fault as fault:
            trigger = TRIGGERS.get(fault.code)
            attempt.judge(trigger)
            if trigger not in triggers or answer.exchange.is_started:
                raise
            record.forget(mark, fault.code)
            return False
        finally:
            attempt.end()
        return True

    def _learn(self, record: CallRecord) -> None:
        """What a call used bounds those that come after it."""
        call, target, usage = record.call, record.target, record.usage
        if call is not None and target is not None and usage is not None:
            self._learned.learn(target.id, call, usage)

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
