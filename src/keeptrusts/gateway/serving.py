"""What serves calls in one process: edge, pipeline, outbox. Does not know where packs come from.

Order down is start order; unwinding is stop order.
"""

import gc
import logging
import os
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from keeptrusts.contract.secret import Secret
from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.aside import open_aside
from keeptrusts.gateway.callers import Callers, TokenCallers, make_callers
from keeptrusts.gateway.front import Front
from keeptrusts.gateway.health import Gauges, WorkerHealth
from keeptrusts.gateway.http.budget import EdgeGauges
from keeptrusts.gateway.http.server import Server, bind, open_server, server_tls
from keeptrusts.gateway.instance import Instance
from keeptrusts.gateway.limits.counts import open_counts
from keeptrusts.gateway.limits.limiter import Limiter
from keeptrusts.gateway.metrics.meter import Meter
from keeptrusts.gateway.metrics.worker import WorkerMetrics
from keeptrusts.gateway.outbox import open_outbox
from keeptrusts.gateway.pages import Pages
from keeptrusts.gateway.pipeline import Pipeline
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.settings import InvalidSettings, Settings
from keeptrusts.gateway.spend.book import Owner, open_book
from keeptrusts.gateway.spend.slices import SliceSource
from keeptrusts.gateway.telemetry import Telemetry
from keeptrusts.gateway.tracing.start import open_tracing
from keeptrusts.gateway.watchers import Watchers
from keeptrusts.runtime.clock import Clock
from keeptrusts.runtime.http.client import open_http_client
from keeptrusts.runtime.http.dial import client_tls
from keeptrusts.runtime.http.proxy import Proxy, parse_proxy
from keeptrusts.runtime.line_writer import LineWriter
from keeptrusts.runtime.segments import SpoolLimits

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which worker this is, of how many, and where the instance keeps its state. Each process has its own boot id."""

    directory: Path
    instance_id: str
    boot_id: str
    index: int = 0
    workers: int = 1

    @property
    def spool(self) -> Path:
        return self.directory / "spool" / str(self.index)

    @property
    def spool_limits(self) -> SpoolLimits:
        """An instance's cap, shared out to its workers."""
        limits = SpoolLimits()
        return SpoolLimits(max_bytes=limits.max_bytes // self.workers, max_age_s=limits.max_age_s)


class Serving:
    """A worker that serves."""

    def __init__(
        self, servers: list[Server], gauges: Gauges, health: WorkerHealth, metrics: WorkerMetrics, grace_s: float
    ) -> None:
        self._grace_s = grace_s
        self.servers = servers  # the one for admin calls, where they have an address of their own, comes last
        self.gauges = gauges
        self.health = health
        self.metrics = metrics

    async def drain(self) -> None:
        """Stop accepting, let what runs finish within the grace, then cut."""
        self.gauges.is_draining = True
        for server in self.servers:
            server.stop_accepting()
        for server in self.servers:
            await server.drain(self._grace_s, before_cut=self.gauges.note_cut)

    def hurry(self) -> None:
        """Cut what still runs: the grace of the drain is over."""
        self._grace_s = 0.0
        for server in self.servers:
            server.hurry()


@asynccontextmanager
async def open_serving(  # noqa: PLR0913 - the parts of a gateway
    settings: Settings,
    place: Place,
    active: ActiveConfig,
    callers: Callers,
    *,
    clock: Clock,
    make_instance: Callable[[WorkerHealth, WorkerMetrics], Instance],
    slices: SliceSource,
    sockets: Sequence[socket] = (),
) -> AsyncIterator[Serving]:
    """A worker for the life of the block. `sockets` are bound ones, where they were handed in.

    `slices` is where money is leased. Raises InvalidSettings, CannotListen, OSError.
    """
    async with AsyncExitStack() as stack:
        lines = _event_lines(stack, place) if settings.events_stdout else None
        outbox = await stack.enter_async_context(
            open_outbox(place.spool, boot_id=place.boot_id, clock=clock, limits=place.spool_limits, lines=lines)
        )
        owner = Owner(boot_id=place.boot_id, spool=str(place.index), last_seq=lambda: outbox.last_seq)
        book = await stack.enter_async_context(open_book(slices, owner, clock))
        client = await stack.enter_async_context(
            open_http_client(tls=_upstream_tls(settings.ca_file), proxy=_proxy(settings))
        )
        aside = await stack.enter_async_context(open_aside())
        gauges, meter = Gauges(), Meter()
        counts = stack.enter_context(open_counts(place.directory, index=place.index, workers=place.workers))
        limiter = Limiter(counts, clock)
        health = WorkerHealth(active, outbox, gauges, index=place.index, pid=os.getpid())
        spans = await stack.enter_async_context(open_tracing(settings.environment, place.instance_id))
        servers: list[Server] = []
        metrics = WorkerMetrics(meter, active, gauges, outbox=outbox, client=client, servers=servers, spans=spans)
        telemetry = Telemetry(meter, spans)
        pipeline = Pipeline(
            active,
            callers,
            client,
            outbox,
            clock,
            gauges,
            aside=aside,
            limiter=limiter,
            telemetry=telemetry,
            book=book,
        )
        watchers = Watchers(callers, Secrets(settings.environment, settings.secrets_dir))
        pages = Pages(active, callers, health, make_instance(health, metrics), watchers, book=book, limiter=limiter)
        tls = server_tls(settings.tls_cert, settings.tls_key) if settings.tls_cert and settings.tls_key else None
        for front, sock in zip(
            _fronts(settings, pipeline, pages, meter, clock), sockets or bind_addresses(settings), strict=True
        ):
            edge = EdgeGauges(counts.held_bytes, counts.admin_connections if servers else counts.connections)
            server = open_server(front, sock=sock, tls=tls, limits=settings.edge, gauges=edge)
            servers.append(await stack.enter_async_context(server))
        yield Serving(servers, gauges, health, metrics, settings.grace_s)


def bind_addresses(settings: Settings) -> list[socket]:
    """The addresses of an instance: for calls and, where it has one, for admin calls. Raises CannotListen."""
    addresses = [address for address in (settings.listen, settings.admin_listen) if address is not None]
    bound: list[socket] = []
    try:
        for address in addresses:
            bound.append(bind(address.host, address.port))  # noqa: PERF401 - what was bound is closed when one fails
    except BaseException:
        for sock in bound:
            sock.close()
        raise
    return bound


def take_token(callers: Callers, secrets: Secrets, settings: Settings) -> None:
    """Take a token whose file changed; one that cannot be used changes nothing."""
    token = secrets.find_variable(settings.token_name)
    if isinstance(callers, TokenCallers) and token is not None:
        try:
            callers.accept(token)
        except InvalidSettings as bad:
            log.error("the new token is not used", extra={"facts": {"reason": str(bad)}})  # noqa: TRY400 - no trace needed


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


def _event_lines(stack: AsyncExitStack, place: Place) -> LineWriter:
    """Standard output, which the workers of an instance share: each writes whole lines in its turn."""
    if place.workers == 1:
        return LineWriter(sys.stdout.fileno())
    turns = os.open(place.directory / "stdout.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    stack.callback(os.close, turns)
    return LineWriter(sys.stdout.fileno(), turns)


def _fronts(settings: Settings, pipeline: Pipeline, pages: Pages, meter: Meter, clock: Clock) -> list[Front]:
    has_admin = settings.admin_listen is not None
    fronts = [Front(pipeline, pages, meter, clock, serves_traffic=True, serves_admin=not has_admin)]
    if has_admin:
        fronts.append(Front(pipeline, pages, meter, clock, serves_traffic=False, serves_admin=True))
    return fronts


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
