"""A gateway in memory: everything but sockets and providers is real."""

import dataclasses
import json
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from fakes.clock import FakeClock
from fakes.exchanges import MemoryClient, MemoryLine, make_exchange
from fakes.heads import make_head
from fakes.packs import make_pack, make_snapshot
from keeptrusts.contract.events import DecisionEvent, OpenRecord, SpoolRecord
from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.aside import open_aside
from keeptrusts.gateway.callers import AnonymousCallers
from keeptrusts.gateway.front import Front
from keeptrusts.gateway.health import Gauges, InstanceHealth, WorkerHealth
from keeptrusts.gateway.http.refusals import Refusal
from keeptrusts.gateway.instance import SingleInstance
from keeptrusts.gateway.judging import Judge
from keeptrusts.gateway.limits.counts import WORDS, Counts
from keeptrusts.gateway.limits.limiter import Limiter
from keeptrusts.gateway.metrics.meter import Meter
from keeptrusts.gateway.metrics.worker import WorkerMetrics
from keeptrusts.gateway.outbox import open_outbox
from keeptrusts.gateway.pages import Pages
from keeptrusts.gateway.pipeline import Pipeline
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.spend.book import Owner, open_book
from keeptrusts.gateway.spend.ledger import open_ledger
from keeptrusts.gateway.telemetry import Telemetry
from keeptrusts.gateway.watchers import Watchers
from keeptrusts.policies.verdict import Phase
from keeptrusts.runtime.board import make_board
from keeptrusts.runtime.spool_reader import SpoolReader


class NoSource:
    """Stands where the file source does; `answer` is what a reload gives."""

    answer = None

    async def reload(self):
        return self.answer


@dataclasses.dataclass
class MemoryGateway:
    """The parts, for tests to look at and to move."""

    active: ActiveConfig
    client: MemoryClient
    gauges: Gauges
    counts: Counts
    limiter: Limiter
    pipeline: Pipeline
    pages: Pages
    meter: Meter
    source: NoSource
    clock: FakeClock
    directory: Path

    def front(self, *, serves_traffic=True, serves_admin=True) -> Front:
        parts = (self.pipeline, self.pages, self.meter, self.clock)
        return Front(*parts, serves_traffic=serves_traffic, serves_admin=serves_admin)

    async def ask(self, method="POST", path="/v1/chat/completions", tree=None, *, front=None, **headers) -> MemoryLine:
        """One request, as the edge would hand it over."""
        front = front or self.front()
        if tree is not None:
            headers = {"content_type": b"application/json"} | headers
        head = make_head(method, path, **headers)
        rule = front.admit(head)
        exchange, line = make_exchange(head, b"" if tree is None else json.dumps(tree).encode(), rule=rule)
        if isinstance(rule, Refusal):
            exchange.respond(rule.status, rule.headers, rule.body)
        else:
            await front.handle(exchange)
        return line

    def records(self) -> list[SpoolRecord]:
        return [msgspec.json.decode(record.payload, type=SpoolRecord) for record in SpoolReader(self.directory).read()]

    def events(self) -> list[DecisionEvent]:
        return [record for record in self.records() if isinstance(record, DecisionEvent)]

    def opened(self) -> list[OpenRecord]:
        return [record for record in self.records() if isinstance(record, OpenRecord)]


@asynccontextmanager
async def open_memory_gateway(
    directory: Path, *answers, content=None, policies=(), callers=None, client=None, spans=None
):
    """A gateway whose provider gives these answers in turn. `policies` judge both ways."""
    snapshot = make_snapshot(content or make_pack())
    judges = {name: Judge(policies, Phase(name), "block") for name in ("input", "output")}
    active = ActiveConfig(dataclasses.replace(snapshot, **judges))
    clock, gauges, client, source = FakeClock(), Gauges(), client or MemoryClient(*answers), NoSource()
    callers = callers or AnonymousCallers(loopback_only=True)
    async with (
        open_aside() as aside,
        open_outbox(directory, boot_id="ab" * 16, clock=clock) as outbox,
        open_ledger(directory, clock) as ledger,
        open_book(ledger, Owner(boot_id="ab" * 16, spool="0", last_seq=lambda: outbox.last_seq), clock) as book,
    ):
        counts = Counts(make_board(WORDS))
        meter, limiter = Meter(), Limiter(counts, clock)
        telemetry = Telemetry(meter, spans)
        pipeline = Pipeline(
            active,
            callers,
            client,
            outbox,
            clock,
            gauges,
            aside=aside,
            limiter=limiter,
            telemetry=telemetry,
            book=book,
        )
        worker = WorkerHealth(active, outbox, gauges, index=0, pid=4711)
        metrics = WorkerMetrics(meter, active, gauges, outbox=outbox, client=client, servers=[])
        instance = SingleInstance(InstanceHealth(active, clock, workers=1), worker, metrics, source, active)
        pages = Pages(
            active, callers, worker, instance, Watchers(callers, Secrets({}, None)), book=book, limiter=limiter
        )
        yield MemoryGateway(active, client, gauges, counts, limiter, pipeline, pages, meter, source, clock, directory)
