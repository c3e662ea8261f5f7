"""How the instance is: what each worker knows, folded into one state, the same for probes and for people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from keeptrusts import __version__
from keeptrusts.config.problems import Problem
from keeptrusts.config.targets import CircuitBreaker
from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.outbox import Outbox
from keeptrusts.gateway.targets import Target
from keeptrusts.runtime.clock import Clock

_WORST_FIRST = ("unavailable", "open", "reachable")


class State(StrEnum):
    """Unhealthy means that nothing can be served; anything less than healthy is degraded."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(slots=True)
class Gauges:
    """Counters of one worker. Owned by the event loop."""

    in_flight: int = 0
    requests: int = 0
    is_draining: bool = False
    is_cutting: bool = False

    def note_cut(self) -> None:
        """The grace of a drain is over: calls that are cancelled from now on are cancelled by us."""
        self.is_cutting = True


class TargetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How one target did, in one worker or, folded, in all. `state` is what `/health` says of it."""

    state: str
    has_credential: bool
    requests: int
    failures: int
    open: int
    last_status: int | None
    upstream_ms: float


class WorkerStatus(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What one worker knows of itself: plain counts, so that an instance can add them up."""

    index: int
    pid: int
    is_draining: bool
    requests: int
    in_flight: int
    targets: dict[str, TargetStatus]
    events_pending: int
    events_dropped: int
    keeps_events: bool


class InstanceReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the gateway's own pages tell: the full `/health`, targets, and why the newest pack is not served."""

    health: dict[str, Any]
    targets: dict[str, TargetStatus]
    rejection: list[Problem] | None


class WorkerHealth:
    """Asks the parts of one worker."""

    def __init__(self, active: ActiveConfig, outbox: Outbox, gauges: Gauges, *, index: int, pid: int) -> None:
        self.index = index
        self._active = active
        self._outbox = outbox
        self._gauges = gauges
        self._pid = pid

    def status(self) -> WorkerStatus:
        snapshot = self._active.current()
        rule = snapshot.pack.providers.circuit_breaker
        return WorkerStatus(
            index=self.index,
            pid=self._pid,
            is_draining=self._gauges.is_draining,
            requests=self._gauges.requests,
            in_flight=self._gauges.in_flight,
            targets={target.id: _target_status(target, rule) for target in snapshot.targets},
            events_pending=self._outbox.pending,
            events_dropped=self._outbox.dropped,
            keeps_events=not self._outbox.is_degraded,
        )

    def is_ready(self) -> bool:
        """Whether this worker can serve anything."""
        return not self._gauges.is_draining and any(t.has_credential for t in self._active.current().targets)


class InstanceHealth:
    """Folds the status of `workers` workers with what is served."""

    def __init__(self, active: ActiveConfig, clock: Clock, *, workers: int) -> None:
        self._active = active
        self._clock = clock
        self._workers = workers
        self._started = clock.now()

    def report(self, statuses: Sequence[WorkerStatus]) -> InstanceReport:
        """`statuses` are of the workers that answered; one that did not makes the instance less than healthy."""
        snapshot = self._active.current()
        rejection = self._active.rejection
        targets = fold_targets(status.targets for status in statuses)
        now = self._clock.now()
        health = {
            "status": self._state(statuses, targets),
            "version": __version__,
            "uptime_seconds": _seconds(self._started, now),
            "policies_loaded": len(snapshot.pack.policies.chain),
            "requests_processed": sum(status.requests for status in statuses),
            "config": {
                "name": snapshot.pack.pack.name,
                "pack_version": snapshot.pack.pack.version,
                "version": None,
                "digest": snapshot.digest,
                "source": snapshot.source,
                "age_seconds": _seconds(snapshot.applied_at, now),
                "rejected": [str(problem) for problem in rejection.problems] if rejection else [],
            },
            "api": {"connected": False, "since": None},
            "providers": {name: target.state for name, target in targets.items()},
            "events": {
                "pending": sum(status.events_pending for status in statuses),
                "dropped": sum(status.events_dropped for status in statuses),
            },
            "workers": {"expected": self._workers, "serving": [_describe(status) for status in statuses]},
        }
        return InstanceReport(health=health, targets=targets, rejection=list(rejection.problems) if rejection else None)

    def _state(self, statuses: Sequence[WorkerStatus], targets: dict[str, TargetStatus]) -> State:
        serving = [status for status in statuses if not status.is_draining]
        if not serving or not any(target.has_credential for target in targets.values()):
            return State.UNHEALTHY
        is_whole = (
            len(serving) == self._workers
            and all(target.state == "reachable" for target in targets.values())
            and self._active.rejection is None
            and self._active.current().source == "file"
            and all(status.keeps_events for status in statuses)
        )
        return State.HEALTHY if is_whole else State.DEGRADED


def brief(health: dict[str, Any]) -> dict[str, Any]:
    """What anybody may know of the full health."""
    return {"status": health["status"], "version": health["version"]}


def fold_targets(workers: Iterable[dict[str, TargetStatus]]) -> dict[str, TargetStatus]:
    """Counts are added; the state that is told is the worst one."""
    folded: dict[str, TargetStatus] = {}
    for targets in workers:
        for name, status in targets.items():
            before = folded.get(name)
            folded[name] = status if before is None else _add(before, status)
    return folded


def _add(one: TargetStatus, other: TargetStatus) -> TargetStatus:
    return TargetStatus(
        state=min(one.state, other.state, key=_WORST_FIRST.index),
        has_credential=one.has_credential and other.has_credential,
        requests=one.requests + other.requests,
        failures=one.failures + other.failures,
        open=one.open + other.open,
        last_status=one.last_status if other.last_status is None else other.last_status,
        upstream_ms=one.upstream_ms + other.upstream_ms,
    )


def _target_status(target: Target, rule: CircuitBreaker | UnsetType) -> TargetStatus:
    counters = target.counters
    return TargetStatus(
        state=_target_state(target, rule),
        has_credential=target.has_credential,
        requests=counters.requests,
        failures=counters.failures,
        open=counters.open,
        last_status=counters.last_status,
        upstream_ms=counters.upstream_ms,
    )


def _target_state(target: Target, rule: CircuitBreaker | UnsetType) -> str:
    """`open`: its circuit breaker leaves it alone; `unavailable`: no secret, or nobody answered last."""
    if not target.has_credential:
        return "unavailable"
    if rule is not UNSET and target.counters.breaker.is_open(rule):
        return "open"
    return "reachable" if target.counters.is_reachable else "unavailable"


def _describe(status: WorkerStatus) -> dict[str, int]:
    return {
        "index": status.index,
        "pid": status.pid,
        "requests": status.requests,
        "in_flight": status.in_flight,
    }


def _seconds(since: datetime, now: datetime) -> int:
    return int((now - since).total_seconds())
