"""The composition root of the gateway: reads like the picture. Order down is start order; unwinding is stop order."""

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import uvloop

from keeptrusts.contract.secret import Secret
from keeptrusts.gateway.callers import Callers, make_callers
from keeptrusts.gateway.health import InstanceHealth, WorkerHealth
from keeptrusts.gateway.instance import Instance, SingleInstance
from keeptrusts.gateway.metrics.worker import WorkerMetrics
from keeptrusts.gateway.pack_watch import open_pack_watch
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.serving import Place, Serving, open_serving, take_token
from keeptrusts.gateway.settings import InvalidSettings, Settings
from keeptrusts.gateway.snapshot import Snapshot
from keeptrusts.gateway.sources.file import FileSource
from keeptrusts.gateway.spend.ledger import open_ledger
from keeptrusts.gateway.spend.leftovers import settle_leftovers
from keeptrusts.runtime.clock import Clock, SystemClock
from keeptrusts.runtime.identifiers import new_hex
from keeptrusts.runtime.logs import configure_logs
from keeptrusts.runtime.state_dir import open_state_dir
from keeptrusts.runtime.tasks import background

log = logging.getLogger(__name__)


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


@asynccontextmanager
async def open_gateway(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[Gateway]:
    """A gateway for the life of the block. Raises InvalidSettings, InvalidPack, StateDirError, OSError."""
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        secrets = Secrets(settings.environment, settings.secrets_dir)
        callers = find_callers(settings, secrets)
        directory = stack.enter_context(open_state_dir(settings.state_root, f"gateway-{settings.listen.port}", clock))
        place = Place(directory=directory, boot_id=new_hex(clock.unix_ns()))
        packs = open_pack_watch(settings, secrets, directory, place.boot_id, clock)

        def make_instance(worker: WorkerHealth, metrics: WorkerMetrics) -> Instance:
            health = InstanceHealth(packs.active, clock, workers=1)
            return SingleInstance(health, worker, metrics, packs.source, packs.active)

        async def take_change(_: Snapshot) -> None:
            take_token(callers, secrets, settings)

        async def watch() -> None:
            await packs.run(take_change)

        await stack.enter_async_context(background(watch))
        ledger = await stack.enter_async_context(open_ledger(directory, clock))
        await settle_leftovers(directory / "spool", ledger, workers=1, boot_id=place.boot_id, clock=clock)
        serving = await stack.enter_async_context(
            open_serving(
                settings, place, packs.active, callers, clock=clock, make_instance=make_instance, slices=ledger
            )
        )
        yield Gateway(serving, packs.source)


def run_gateway(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain. Raises as `open_gateway`."""
    configure_logs()
    uvloop.run(_run(settings))


async def _run(settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    async with open_gateway(settings) as gateway:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, gateway.source.nudge)
        if settings.api_url:
            log.warning("no control plane yet: KEEPTRUSTS_API_URL is not used, events stay in the local spool")
        log.info("ready", extra={"facts": {"listen": str(settings.listen), "port": gateway.port}})
        settle_garbage_collector()
        await stop.wait()
        log.info("draining", extra={"facts": {"grace_s": settings.grace_s}})
        await gateway.drain()
    log.info("stopped")


def find_callers(settings: Settings, secrets: Secrets) -> Callers:
    """Who may call. Raises InvalidSettings."""
    return make_callers(
        find_token(settings, secrets),
        listens_on_loopback=settings.listen.is_loopback,
        allow_anonymous=settings.allow_anonymous,
        trust_identity_headers=settings.trust_identity_headers,
    )


def find_token(settings: Settings, secrets: Secrets) -> Secret | None:
    """The gateway's own token. One that is set and cannot be used must not leave the gateway open to anybody."""
    token = secrets.find_variable(settings.token_name)
    names = (settings.token_name, f"{settings.token_name}_FILE")
    given = next((name for name in names if settings.environment.get(name)), None)
    if token is None and given is not None:
        raise InvalidSettings(
            f"{given} is set, and gives no usable token: it must be visible ASCII without spaces, and a file must be "
            "there and readable"
        )
    return token


def settle_garbage_collector() -> None:
    """What lives as long as the process need not be looked at again; and cycles are rare on the request path."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
