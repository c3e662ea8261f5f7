"""One coarse timer for all deadlines of a server or client, instead of one timer per request.

`now` is a clock that only the sweep moves: reading it costs nothing, it is late by at most one interval, and it counts
time in which the loop was alive, so a stall of the process does not make every peer look silent.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger(__name__)


class Swept(Protocol):
    """Something with deadlines: a connection."""

    def sweep(self, now: float) -> None:
        """Act on every deadline before `now`. Must not raise."""


class Sweeper:
    """Calls `sweep` on each entry, once per interval. Owned by the loop that it was started on."""

    def __init__(self, interval_s: float, *, also: Callable[[], None] | None = None) -> None:
        self.now = 0.0
        self.entries: set[Swept] = set()
        self._interval_s = interval_s
        self._also = also
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self.now = self._last = loop.time()
        self._timer = loop.call_later(self._interval_s, self._turn, loop)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(self._interval_s, self._turn, loop)
        time = loop.time()
        self.now += min(time - self._last, 2 * self._interval_s)
        self._last = time
        if self._also is not None:
            self._also()
        for entry in tuple(self.entries):
            try:
                entry.sweep(self.now)
            except Exception:
                log.exception("a connection's deadlines could not be checked")
