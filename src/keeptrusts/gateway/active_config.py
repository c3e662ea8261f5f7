"""The one mutable cell of the gateway, and the loop that swaps what is in it."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from keeptrusts.config.problems import InvalidPack
from keeptrusts.gateway.snapshot import Snapshot

log = logging.getLogger(__name__)


class ActiveConfig:
    """What is being served. A request reads it once and keeps what it read.

    Owned by the event loop; `replace` is one assignment. `rejection` explains why the newest version is not served.
    """

    def __init__(self, first: Snapshot) -> None:
        self._current = first
        self.rejection: InvalidPack | None = None

    def current(self) -> Snapshot:
        return self._current

    def replace(self, snapshot: Snapshot) -> None:
        self._current = snapshot
        self.rejection = None


class ConfigSource(Protocol):
    """Where versions of the pack come from."""

    def versions(self) -> AsyncIterator[Snapshot | InvalidPack]:
        """Each further version as it appears, built, or why it cannot be. Never ends by itself."""


async def follow(source: ConfigSource, active: ActiveConfig, on_change: Callable[[Snapshot], Awaitable[None]]) -> None:
    """Serve each version that appears; a bad one changes nothing and is reported. Never returns."""
    async for version in source.versions():
        if isinstance(version, InvalidPack):
            active.rejection = version
            log.error("pack rejected", extra={"facts": {"problems": [str(problem) for problem in version.problems]}})
            continue
        active.replace(version)
        await on_change(version)
        log.info("pack applied", extra={"facts": {"config": version.label, "digest": version.digest}})
