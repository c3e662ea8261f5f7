"""The pack of an instance: what is served first, what is served next, and what is kept for the next start.

One process of an instance watches; it knows nothing of those that serve.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from keeptrusts.gateway.active_config import ActiveConfig, follow
from keeptrusts.gateway.last_good import LastGood
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.settings import Settings
from keeptrusts.gateway.snapshot import Snapshot, SnapshotMaker
from keeptrusts.gateway.sources.file import FileSource
from keeptrusts.gateway.starting import make_rebuild, open_active, warn_of_identity
from keeptrusts.runtime.clock import Clock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PackWatch:
    """What is served, where it comes from, where it is kept."""

    active: ActiveConfig
    source: FileSource
    last_good: LastGood

    async def run(self, on_change: Callable[[Snapshot], Awaitable[None]]) -> None:
        """Serve each version that appears, keep it, and tell `on_change`. Never returns."""

        async def keep_and_tell(snapshot: Snapshot) -> None:
            await self._keep(snapshot)
            await on_change(snapshot)

        await follow(self.source, self.active, keep_and_tell)

    async def _keep(self, snapshot: Snapshot) -> None:
        try:
            await asyncio.to_thread(self.last_good.keep, snapshot.content)
        except OSError as refused:
            log.warning("the pack was applied but could not be kept", extra={"facts": {"error": refused.strerror}})


def open_pack_watch(settings: Settings, secrets: Secrets, directory: Path, instance_id: str, clock: Clock) -> PackWatch:
    """Read the pack for the first time. Raises InvalidPack, InvalidSettings: see `open_active`."""
    maker = make_maker(settings, secrets, instance_id)
    last_good = LastGood(directory / "last-good", settings.policy_config)
    active, content = open_active(settings.policy_config, maker, last_good, clock)
    warn_of_identity(active.current(), trusts_identity_headers=settings.trust_identity_headers)
    source = FileSource(settings.policy_config, secrets, make_rebuild(active, maker, clock), content)
    return PackWatch(active, source, last_good)


def make_maker(settings: Settings, secrets: Secrets, instance_id: str) -> SnapshotMaker:
    return SnapshotMaker(
        secrets=secrets,
        fail_mode=settings.fail_mode,
        require_tls=settings.require_tls,
        gateway_name=settings.name,
        instance_id=instance_id,
    )
