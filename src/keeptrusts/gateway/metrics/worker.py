"""Asks the parts of one worker what they have counted, and what they hold right now."""

from collections.abc import Sequence
from typing import Protocol

from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.health import Gauges
from keeptrusts.gateway.metrics import process
from keeptrusts.gateway.metrics.counts import Counters, Levels, MetricsSnapshot
from keeptrusts.gateway.metrics.meter import Meter
from keeptrusts.gateway.outbox import INTERRUPTED, Outbox
from keeptrusts.gateway.targets import Target


class Listening(Protocol):
    """A server, as far as it counts."""

    @property
    def connections(self) -> int: ...

    @property
    def refused(self) -> dict[str, int]: ...


class Calling(Protocol):
    """The client for upstreams, as far as it counts."""

    @property
    def connections(self) -> int: ...

    @property
    def idle_connections(self) -> int: ...


class Spans(Protocol):
    """The way of spans out of the process, as far as it counts."""

    @property
    def dropped(self) -> int: ...


class WorkerMetrics:
    """Reads everything at once; nothing of it is kept. `servers` may be filled after this is made."""

    def __init__(
        self,
        meter: Meter,
        active: ActiveConfig,
        gauges: Gauges,
        *,
        outbox: Outbox,
        client: Calling,
        servers: Sequence[Listening],
        spans: Spans | None = None,
    ) -> None:
        self._meter = meter
        self._active = active
        self._gauges = gauges
        self._outbox = outbox
        self._client = client
        self._servers = servers
        self._spans = spans

    def snapshot(self) -> MetricsSnapshot:
        """The metrics of this worker. It shares values with the meter: encode or merge it at once."""
        targets = self._active.current().targets
        return MetricsSnapshot(counters=self._counters(targets), levels=self._levels())

    def _counters(self, targets: Sequence[Target]) -> Counters:
        counters = self._meter.counters()
        for server in self._servers:
            for code, count in server.refused.items():
                counters.refusals[code] = counters.refusals.get(code, 0) + count
        counters.targets = {target.id: _counted(target) for target in targets}
        if self._outbox.interrupted:
            counters.errors[INTERRUPTED] = self._outbox.interrupted
        counters.events_lost = self._outbox.dropped
        counters.spans_dropped = 0 if self._spans is None else self._spans.dropped
        counters.cpu_us = process.cpu_us()
        return counters

    def _levels(self) -> Levels:
        return Levels(
            workers=1,
            in_flight=self._gauges.in_flight,
            connections=sum(server.connections for server in self._servers),
            upstream_connections=self._client.connections,
            upstream_idle=self._client.idle_connections,
            events_pending=self._outbox.pending,
            spool_bytes=self._outbox.size,
            memory_bytes=process.memory_bytes(),
            open_files=process.open_files(),
        )


def _counted(target: Target) -> dict[str, int]:
    """What grew at one target. A fact that is added here needs its line on the page."""
    counters = target.counters
    return {
        "attempts": counters.requests,
        "failures": counters.failures,
        "fallbacks": counters.fallbacks,
        "waited_us": int(counters.upstream_ms * 1000),
    }
