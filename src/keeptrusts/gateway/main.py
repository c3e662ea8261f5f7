"""The composition root of the gateway: reads like the picture. Order down is start order; unwinding is stop order."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Protocol

import uvloop

from keeptrusts.gateway.health import InstanceHealth, WorkerHealth
from keeptrusts.gateway.instance import Instance, SingleInstance
from keeptrusts.gateway.metrics.worker import WorkerMetrics
from keeptrusts.gateway.pack_watch import open_pack_watch
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.serving import (
    Place,
    Serving,
    find_callers,
    open_serving,
    settle_garbage_collector,
    take_token,
)
from keeptrusts.gateway.settings import Settings, find_plaintext_token
from keeptrusts.gateway.snapshot import Snapshot
from keeptrusts.gateway.sources.file import FileSource
from keeptrusts.gateway.spend.ledger import open_ledger
from keeptrusts.gateway.spend.leftovers import settle_leftovers
from keeptrusts.gateway.supervisor import Supervisor, open_group, open_supervisor
from keeptrusts.gateway.worker_process import open_worker_process
from keeptrusts.runtime.clock import Clock, SystemClock
from keeptrusts.runtime.identifiers import new_hex
from keeptrusts.runtime.logs import configure_logs
from keeptrusts.runtime.state_dir import open_state_dir
from keeptrusts.runtime.tasks import background

log = logging.getLogger(__name__)


class Running(Protocol):
    """A gateway that runs, of one process or of several."""

    source: FileSource

    @property
    def port(self) -> int:
        """Where calls are served."""

    async def drain(self) -> None:
        """Stop accepting, let what runs finish within the grace, then cut."""

    def hurry(self) -> None:
        """Cut what still runs: the grace is over."""


class Gateway:
    """A running gateway of one process."""

    def __init__(self, serving: Serving, source: FileSource) -> None:
        self._serving = serving
        self.source = source
        self.servers = serving.servers
        self.gauges = serving.gauges

    @property
    def port(self) -> int:
        """Where calls are served; the admin address, if there is one of its own, comes after it."""
        return self.servers[0].port

    async def drain(self) -> None:
        """Stop accepting, let what runs finish within the grace, then cut."""
        await self._serving.drain()

    def hurry(self) -> None:
        """Cut what still runs: the grace is over."""
        self._serving.hurry()


@asynccontextmanager
async def open_gateway(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[Gateway]:
    """A gateway in this process for the life of the block.

    Raises InvalidSettings, InvalidPack, StateDirError, CannotListen, OSError.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        secrets = Secrets(settings.environment, settings.secrets_dir)
        callers = find_callers(settings, secrets)
        state = stack.enter_context(open_state_dir(settings.state_root, f"gateway-{settings.listen.port}", clock))
        boot_id = new_hex(clock.unix_ns())
        place = Place(directory=state.path, instance_id=f"ins_{boot_id}", boot_id=boot_id)
        packs = open_pack_watch(settings, secrets, place.directory, place.instance_id, clock)

        def make_instance(worker: WorkerHealth, metrics: WorkerMetrics) -> Instance:
            health = InstanceHealth(packs.active, clock, workers=1)
            return SingleInstance(health, worker, metrics, packs.source, packs.active)

        async def take_change(_: Snapshot) -> None:
            take_token(callers, secrets, settings)

        async def watch() -> None:
            await packs.run(take_change)

        await stack.enter_async_context(background(watch))
        ledger = await stack.enter_async_context(open_ledger(state.path, clock))
        await settle_leftovers(place.directory / "spool", ledger, workers=1, boot_id=place.boot_id, clock=clock)
        serving = await stack.enter_async_context(
            open_serving(
                settings, place, packs.active, callers, clock=clock, make_instance=make_instance, slices=ledger
            )
        )
        yield Gateway(serving, packs.source)


@asynccontextmanager
async def open_instance(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[Supervisor]:
    """A gateway of several processes, of which this one supervises. Raises as `open_gateway`, or WorkerFailed."""
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        secrets = Secrets(settings.environment, settings.secrets_dir)
        find_callers(settings, secrets)  # each worker does it again: what cannot work is refused before they start
        state = stack.enter_context(open_state_dir(settings.state_root, f"gateway-{settings.listen.port}", clock))
        group = stack.enter_context(open_group(settings))
        boot_id = new_hex(clock.unix_ns())
        place = Place(directory=state.path, instance_id=f"ins_{boot_id}", boot_id=boot_id, workers=settings.workers)
        packs = open_pack_watch(settings, secrets, place.directory, place.instance_id, clock)
        ledger = await stack.enter_async_context(open_ledger(place.directory, clock))
        spools = place.directory / "spool"
        await settle_leftovers(spools, ledger, workers=settings.workers, boot_id=boot_id, clock=clock)
        supervisor = Supervisor(settings, place, packs, ledger, group, clock)

        async def watch() -> None:
            await packs.run(supervisor.apply)

        launch = partial(open_worker_process, lock=state.lock)
        await stack.enter_async_context(open_supervisor(supervisor, launch))
        await stack.enter_async_context(background(watch))
        yield supervisor


def run_gateway(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second one cuts. Raises as `open_gateway`."""
    configure_logs()
    running = open_gateway(settings) if settings.workers == 1 else open_instance(settings)
    uvloop.run(_run(running, settings))


async def _run(opening: AbstractAsyncContextManager[Running], settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    async with opening as gateway:

        def take_signal() -> None:
            if stop.is_set():
                gateway.hurry()
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, take_signal)
        loop.add_signal_handler(signal.SIGHUP, gateway.source.nudge)
        plaintext = find_plaintext_token(settings)
        if plaintext is not None:
            log.warning("no TLS: %s", plaintext)
        if settings.api_url:
            log.warning("no control plane yet: KEEPTRUSTS_API_URL is not used, events stay in the local spool")
        facts = {"listen": str(settings.listen), "port": gateway.port, "workers": settings.workers}
        log.info("ready", extra={"facts": facts})
        settle_garbage_collector()
        await stop.wait()
        log.info("draining", extra={"facts": {"grace_s": settings.grace_s}})
        await gateway.drain()
    log.info("stopped")
