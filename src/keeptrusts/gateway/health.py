"""How the instance is: facts folded into one state, the same for probes and for people."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from keeptrusts import __version__
from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.outbox import Outbox
from keeptrusts.gateway.targets import Target
from keeptrusts.runtime.clock import Clock


class State(StrEnum):
    """Unhealthy means that nothing can be served; anything less than healthy is degraded."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(slots=True)
class Gauges:
    """Counters of the instance. Owned by the event loop."""

    in_flight: int = 0
    requests: int = 0
    is_draining: bool = False
    is_cutting: bool = False

    def note_cut(self) -> None:
        """The grace of a drain is over: calls that are cancelled from now on are cancelled by us."""
        self.is_cutting = True


class Health:
    """Folds what the parts know into `/health`."""

    def __init__(self, active: ActiveConfig, outbox: Outbox, gauges: Gauges, clock: Clock) -> None:
        self._active = active
        self._outbox = outbox
        self._gauges = gauges
        self._clock = clock
        self._started = clock.now()

    def state(self) -> State:
        snapshot = self._active.current()
        if self._gauges.is_draining or not any(target.has_credential for target in snapshot.targets):
            return State.UNHEALTHY
        is_whole = (
            all(_can_serve(target) for target in snapshot.targets)
            and self._active.rejection is None
            and snapshot.source == "file"
            and not self._outbox.is_degraded
        )
        return State.HEALTHY if is_whole else State.DEGRADED

    def is_ready(self) -> bool:
        return self.state() is not State.UNHEALTHY

    def brief(self) -> dict[str, Any]:
        """What anybody may know."""
        return {"status": self.state(), "version": __version__}

    def full(self) -> dict[str, Any]:
        """What callers on this machine or with the gateway's token may know."""
        snapshot = self._active.current()
        rejection = self._active.rejection
        now = self._clock.now()
        return {
            **self.brief(),
            "uptime_seconds": _seconds(self._started, now),
            "policies_loaded": len(snapshot.pack.policies.chain),
            "requests_processed": self._gauges.requests,
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
            "providers": {target.id: _provider_state(target) for target in snapshot.targets},
            "events": {"pending": self._outbox.pending, "dropped": self._outbox.dropped},
        }


def _provider_state(target: Target) -> str:
    return "reachable" if _can_serve(target) else "unavailable"


def _can_serve(target: Target) -> bool:
    return target.has_credential and target.counters.is_reachable


def _seconds(since: datetime, now: datetime) -> int:
    return int((now - since).total_seconds())
