"""The composition root of the gateway: reads like the picture. Order down is start order; unwinding is stop order."""

import asyncio
import gc
import logging
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import uvloop

from keeptrusts.contract.secret import Secret
from keeptrusts.gateway.active_config import follow
from keeptrusts.gateway.callers import Callers, TokenCallers, make_callers
from keeptrusts.gateway.front import Front
from keeptrusts.gateway.health import Gauges, Health
from keeptrusts.gateway.http.server import Server, open_server, server_tls
from keeptrusts.gateway.last_good import LastGood
from keeptrusts.gateway.outbox import open_outbox
from keeptrusts.gateway.pages import Pages
from keeptrusts.gateway.pipeline import Pipeline
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.settings import InvalidSettings, Settings
from keeptrusts.gateway.snapshot import Snapshot, SnapshotMaker
from keeptrusts.gateway.sources.file import FileSource
from keeptrusts.gateway.starting import make_rebuild, open_active
from keeptrusts.runtime.clock import Clock, SystemClock
from keeptrusts.runtime.http.client import open_http_client
from keeptrusts.runtime.http.dial import client_tls
from keeptrusts.runtime.http.proxy import Proxy, parse_proxy
from keeptrusts.runtime.identifiers import new_hex
from keeptrusts.runtime.line_writer import LineWriter
from keeptrusts.runtime.logs import configure_logs
from keeptrusts.runtime.state_dir import open_state_dir
from keeptrusts.runtime.tasks import background

log = logging.getLogger(__name__)


class Gateway:
    """A running gateway."""

    def __init__(self, servers: list[Server], source: FileSource, gauges: Gauges, grace_s: float) -> None:
        self._servers = servers
        self._gauges = gauges
        self._grace_s = grace_s
        self.source = source

    @property
    def port(self) -> int:
        """Where calls are served; the admin address, if there is one of its own, comes after it."""
        return self._servers[0].port

    async def drain(self) -> None:
        """Stop accepting, let what runs finish within the grace, then cut."""
        self._gauges.is_draining = True
        for server in self._servers:
            server.stop_accepting()
        for server in self._servers:
            await server.drain(self._grace_s, before_cut=self._gauges.note_cut)


@asynccontextmanager
async def open_gateway(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[Gateway]:
    """A gateway for the life of the block. Raises InvalidSettings, InvalidPack, StateDirError, OSError."""
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        secrets = Secrets(settings.environment, settings.secrets_dir)
        callers = make_callers(
            find_token(settings, secrets),
            listens_on_loopback=settings.listen.is_loopback,
            allow_anonymous=settings.allow_anonymous,
        )
        directory = stack.enter_context(open_state_dir(settings.state_root, f"gateway-{settings.listen.port}", clock))
        boot_id = new_hex(clock.unix_ns())
        maker = SnapshotMaker(
            secrets=secrets,
            fail_mode=settings.fail_mode,
            gateway_name=settings.name,
            instance_id=f"ins_{boot_id}",
        )
        last_good = LastGood(directory / "last-good")
        active, content = open_active(settings.policy_config, maker, last_good, clock)
        source = FileSource(settings.policy_config, secrets, make_rebuild(active, maker, clock), content)
        lines = LineWriter(sys.stdout.fileno()) if settings.events_stdout else None
        outbox = await stack.enter_async_context(
            open_outbox(directory / "spool" / "0", boot_id=boot_id, clock=clock, lines=lines)
        )
        client = await stack.enter_async_context(
            open_http_client(tls=_upstream_tls(settings.ca_file), proxy=_proxy(settings))
        )
        gauges = Gauges()
        health = Health(active, outbox, gauges, clock)
        pipeline = Pipeline(active, callers, client, outbox, clock, gauges)
        pages = Pages(active, callers, health, source)

        async def follow_pack() -> None:
            await follow(source, active, partial(_on_change, callers, secrets, settings.token_name, last_good))

        await stack.enter_async_context(background(follow_pack))
        servers = [await stack.enter_async_context(server) for server in _servers(settings, pipeline, pages, clock)]
        yield Gateway(servers, source, gauges, settings.grace_s)


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
        _settle_garbage_collector()
        await stop.wait()
        log.info("draining", extra={"facts": {"grace_s": settings.grace_s}})
        await gateway.drain()
    log.info("stopped")


def _servers(
    settings: Settings, pipeline: Pipeline, pages: Pages, clock: Clock
) -> Sequence[AbstractAsyncContextManager[Server]]:
    tls = server_tls(settings.tls_cert, settings.tls_key) if settings.tls_cert and settings.tls_key else None
    has_admin = settings.admin_listen is not None
    front = Front(pipeline, pages, clock, serves_traffic=True, serves_admin=not has_admin)
    servers = [open_server(front, listen=(settings.listen.host, settings.listen.port), tls=tls)]
    if settings.admin_listen is not None:
        admin = Front(pipeline, pages, clock, serves_traffic=False, serves_admin=True)
        servers.append(open_server(admin, listen=(settings.admin_listen.host, settings.admin_listen.port), tls=tls))
    return servers


async def _on_change(
    callers: Callers, secrets: Secrets, token_name: str, last_good: LastGood, snapshot: Snapshot
) -> None:
    """After a version was applied: keep it for the next start, and take a token whose file changed."""
    try:
        await asyncio.to_thread(last_good.keep, snapshot.content)
    except OSError as refused:
        log.warning("the pack was applied but could not be kept", extra={"facts": {"error": refused.strerror}})
    token = secrets.find_variable(token_name)
    if isinstance(callers, TokenCallers) and token is not None:
        try:
            callers.accept(token)
        except InvalidSettings as bad:
            log.error("the new token is not used", extra={"facts": {"reason": str(bad)}})  # noqa: TRY400 - no trace needed


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


def _proxy(settings: Settings) -> Proxy | None:
    if not settings.https_proxy:
        return None
    try:
        return parse_proxy(settings.https_proxy, settings.no_proxy)
    except ValueError as bad:
        raise InvalidSettings(f"HTTPS_PROXY: {bad}") from None


def _upstream_tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return client_tls(ca_file)
    except OSError as bad:  # ssl.SSLError is one
        raise InvalidSettings(f"KEEPTRUSTS_CA_FILE: {ca_file} is no readable file of certificates in PEM") from bad


def _settle_garbage_collector() -> None:
    """What lives as long as the process need not be looked at again; and cycles are rare on the request path."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
