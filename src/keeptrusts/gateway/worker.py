"""A process that serves for an instance: it gets its sockets inherited, and what it serves over its channel.

It decides nothing that concerns the instance. When its supervisor is gone, it finishes what runs and ends.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import uvloop

from keeptrusts import __version__
from keeptrusts.config.problems import InvalidPack
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway import messages
from keeptrusts.gateway.active_config import ActiveConfig
from keeptrusts.gateway.callers import Callers
from keeptrusts.gateway.channel import Channel, ChannelClosed, ChannelError, open_channel
from keeptrusts.gateway.health import InstanceHealth, InstanceReport, WorkerHealth
from keeptrusts.gateway.http.server import CannotListen
from keeptrusts.gateway.instance import Instance, Reloaded
from keeptrusts.gateway.messages import Applied, CannotStart, Counted, Done, PackVersion, Ready, Refused, Start
from keeptrusts.gateway.metrics.counts import MetricsSnapshot
from keeptrusts.gateway.metrics.worker import WorkerMetrics
from keeptrusts.gateway.pack_watch import make_maker
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.serving import Place, Serving, find_callers, open_serving, settle_garbage_collector, take_token
from keeptrusts.gateway.settings import InvalidSettings, Settings, read_environment
from keeptrusts.gateway.snapshot import Snapshot, SnapshotMaker
from keeptrusts.gateway.spend.remote import RemoteLedger
from keeptrusts.gateway.spend.slices import Recall, SliceSource
from keeptrusts.gateway.targets import TargetCounters
from keeptrusts.runtime.clock import Clock, SystemClock
from keeptrusts.runtime.logs import configure_logs
from keeptrusts.runtime.tasks import background

REPORT_S = 1.0
RELOAD_S = 60.0

log = logging.getLogger(__name__)


class SupervisedInstance:
    """The instance behind the channel. Without its supervisor, a worker tells of itself alone."""

    def __init__(self, channel: Channel, alone: InstanceHealth, worker: WorkerHealth, metrics: WorkerMetrics) -> None:
        self._channel = channel
        self._alone = alone
        self._worker = worker
        self._metrics = metrics

    async def report(self) -> InstanceReport:
        try:
            return await self._channel.call(messages.AskReport(), InstanceReport, within_s=REPORT_S)
        except ChannelError:
            return self._alone.report([self._worker.status()])

    async def metrics(self) -> Sequence[MetricsSnapshot]:
        try:
            return (await self._channel.call(messages.AskMetrics(), Counted, within_s=REPORT_S)).snapshots
        except ChannelError:
            return [self._metrics.snapshot()]

    async def reload(self) -> Reloaded:
        try:
            return await self._channel.call(messages.AskReload(), Reloaded, within_s=RELOAD_S)
        except ChannelError:
            raise Fault(Code.OVERLOADED, "The gateway's supervisor does not answer: try again shortly.") from None


class Worker:
    """What a supervisor may ask. `stop` is set when the worker is to finish what runs and end.

    `introduce` is called once the worker knows which one it is.
    """

    ledger: RemoteLedger

    def __init__(self, sockets: Sequence[socket.socket], introduce: Callable[[Place], None] = lambda _: None) -> None:
        loop = asyncio.get_running_loop()
        self.start: asyncio.Future[Start] = loop.create_future()
        self.started: asyncio.Future[Ready | CannotStart] = loop.create_future()
        self.stop = asyncio.Event()
        self.served: Served | None = None
        self._sockets = sockets
        self._introduce = introduce

    async def answer(self, message: object) -> object:
        match message:
            case Start():
                self.start.set_result(message)
                return await asyncio.shield(self.started)  # `run` sets it, whether or not the supervisor still asks
            case PackVersion():
                await asyncio.shield(self.started)
                return await self._serving().apply(message)
            case messages.AskStatus():
                return self._serving().serving.health.status()
            case messages.AskMetrics():
                return Counted([self._serving().serving.metrics.snapshot()])
            case Recall():
                self.ledger.take(message)
            case messages.Drain():
                self.stop.set()
            case messages.Cut():
                self.stop.set()
                if self.served is not None:
                    self.served.serving.hurry()
        return Done()

    async def run(self, channel: Channel) -> int:
        """Serve until told otherwise. The exit code."""
        self.ledger = RemoteLedger(channel)
        start = await self._take_orders(channel)
        if start is None:
            return 1
        self._introduce(start.place)
        try:
            async with open_served(start, channel, self.ledger, self._sockets, SystemClock()) as self.served:
                self.started.set_result(Ready())
                settle_garbage_collector()
                await self._serve(channel)
        except (InvalidSettings, InvalidPack, CannotListen, OSError) as refused:
            if self.started.done():
                raise
            self.started.set_result(CannotStart(str(refused)))
            await channel.wait_closed()
            return 1
        return 0

    async def _take_orders(self, channel: Channel) -> Start | None:
        async def give_up() -> None:
            await channel.wait_closed()
            if not self.start.done():
                self.start.set_exception(ChannelClosed())

        async with background(give_up):
            try:
                start = await self.start
            except ChannelClosed:
                return None
        if start.version != __version__:
            reason = f"the program was replaced ({start.version} by {__version__}): start the gateway again"
            self.started.set_result(CannotStart(reason))
            await channel.wait_closed()
            return None
        return start

    async def _serve(self, channel: Channel) -> None:
        async def follow_supervisor() -> None:
            await channel.wait_closed()
            if not self.stop.is_set():
                log.error("the supervisor is gone: finishing what runs")
            self.stop.set()

        async with background(follow_supervisor):
            await self.stop.wait()
            await self._serving().serving.drain()

    def _serving(self) -> "Served":
        assert self.served is not None, "asked before it served"
        return self.served


class Served:
    """A worker that serves, and takes the versions that its supervisor found good."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        callers: Callers,
        maker: SnapshotMaker,
        active: ActiveConfig,
        serving: Serving,
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._callers = callers
        self._maker = maker
        self._active = active
        self.serving = serving

    async def apply(self, version: PackVersion) -> Applied | Refused:
        """Compile off the loop, and swap."""
        counters = {target.id: target.counters for target in self._active.current().targets}
        try:
            snapshot = await asyncio.to_thread(_make, self._maker, version, counters)
        except InvalidPack as bad:
            return Refused(list(bad.problems))
        self._active.replace(snapshot)
        take_token(self._callers, self._secrets, self._settings)
        return Applied(snapshot.digest)


@asynccontextmanager
async def open_served(
    start: Start, channel: Channel, ledger: SliceSource, sockets: Sequence[socket.socket], clock: Clock
) -> AsyncIterator[Served]:
    """What a worker is composed of. Raises InvalidSettings, InvalidPack, CannotListen, OSError."""
    settings = replace(start.settings, environment=read_environment())
    secrets = Secrets(settings.environment, settings.secrets_dir)
    callers = find_callers(settings, secrets)
    maker = make_maker(settings, secrets, start.place.instance_id)
    active = ActiveConfig(_make(maker, start.pack, {}))

    def make_instance(worker: WorkerHealth, metrics: WorkerMetrics) -> Instance:
        alone = InstanceHealth(active, clock, workers=start.place.workers)
        return SupervisedInstance(channel, alone, worker, metrics)

    async with open_serving(
        settings, start.place, active, callers, clock=clock, make_instance=make_instance, slices=ledger, sockets=sockets
    ) as serving:
        yield Served(settings, secrets, callers, maker, active, serving)


def _make(maker: SnapshotMaker, version: PackVersion, counters: dict[str, TargetCounters]) -> Snapshot:
    return maker.make(version.content, source=version.source, applied_at=version.applied_at, counters=counters)


async def _main(channel_descriptor: int, listening: Sequence[int]) -> int:
    loop = asyncio.get_running_loop()
    sockets = [socket.socket(fileno=descriptor) for descriptor in listening]
    worker = Worker(sockets, lambda place: configure_logs(common={"worker": place.index}))
    loop.add_signal_handler(signal.SIGTERM, worker.stop.set)
    for number in (signal.SIGINT, signal.SIGHUP):  # a terminal sends them to all; the supervisor says what they mean
        loop.add_signal_handler(number, lambda: None)
    ours = socket.socket(fileno=channel_descriptor)
    async with open_channel(ours, encode=messages.encode, decode=messages.decode, answer=worker.answer) as channel:
        return await worker.run(channel)


def main() -> None:
    """`python -m keeptrusts.gateway.worker CHANNEL SOCKET...`: descriptors that a supervisor handed down."""
    configure_logs()
    channel, *listening = map(int, sys.argv[1:])
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(uvloop.run(_main(channel, listening)))


if __name__ == "__main__":
    main()
