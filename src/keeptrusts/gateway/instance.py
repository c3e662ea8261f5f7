"""What a worker's pages ask of the whole instance. Where there is one worker, that worker is the instance."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from keeptrusts.config.problems import Problem
from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.health import InstanceHealth, InstanceReport, WorkerHealth
from keeptrusts.gateway.metrics.counts import MetricsSnapshot
from keeptrusts.gateway.metrics.worker import WorkerMetrics
from keeptrusts.gateway.sources.file import FileSource


class Reloaded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What came of a reload: what is served now, in every worker, or why that did not change."""

    label: str
    digest: str
    problems: list[Problem] | None


class Instance(Protocol):
    """The instance as one of its workers sees it. No call fails, and none waits for long."""

    async def report(self) -> InstanceReport:
        """How the instance is. Where it cannot be asked, how this worker is, as degraded."""

    async def metrics(self) -> Sequence[MetricsSnapshot]:
        """What its workers count, and what those counted that have ended. Where they cannot be asked, only this one."""

    async def reload(self) -> Reloaded:
        """Look at the pack now, and wait until it is served or refused. Raises Fault where nobody can be asked."""


class SingleInstance:
    """One process serves, watches and answers."""

    def __init__(
        self,
        health: InstanceHealth,
        worker: WorkerHealth,
        metrics: WorkerMetrics,
        source: FileSource,
        active: ActiveConfig,
    ) -> None:
        self._health = health
        self._worker = worker
        self._metrics = metrics
        self._source = source
        self._active = active

    async def report(self) -> InstanceReport:
        return self._health.report([self._worker.status()])

    async def metrics(self) -> Sequence[MetricsSnapshot]:
        return [self._metrics.snapshot()]

    async def reload(self) -> Reloaded:
        return await reload_pack(self._source, self._active)


async def reload_pack(source: FileSource, active: ActiveConfig) -> Reloaded:
    """Have the source look, and say what is served then."""
    problems = await source.reload() or active.rejection
    snapshot = active.current()
    return Reloaded(
        label=snapshot.label,
        digest=snapshot.digest,
        problems=None if problems is None else list(problems.problems),
    )
