"""The instance, where several processes serve: it watches the pack, keeps workers alive, and answers for all of them.

It serves no call itself. A worker that ends is replaced; what it had open its successor records as interrupted.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from socket import socket

import msgspec

from keeptrusts import __version__
from keeptrusts.config.problems import InvalidPack
from keeptrusts.gateway import messages
from keeptrusts.gateway.channel import ChannelClosed, ChannelError
from keeptrusts.gateway.health import InstanceHealth, InstanceReport, WorkerStatus
from keeptrusts.gateway.http.server import BACKLOG, LAST_WORDS_S, bind_group
from keeptrusts.gateway.instance import reload_pack
from keeptrusts.gateway.limits.counts import clear_worker
from keeptrusts.gateway.messages import CannotStart, Counted, Done, PackVersion, Ready, Refused, Start
from keeptrusts.gateway.metrics.counts import MetricsSnapshot, merge
from keeptrusts.gateway.pack_watch import PackWatch
from keeptrusts.gateway.seat import Launch, Life, Seat
from keeptrusts.gateway.serving import Place
from keeptrusts.gateway.settings import Settings
from keeptrusts.gateway.snapshot import Snapshot
from keeptrusts.gateway.spend.remote import answer_worker
from keeptrusts.gateway.spend.slices import Claim, Report, SliceSource
from keeptrusts.runtime.clock import Clock
from keeptrusts.runtime.identifiers import new_hex
from keeptrusts.runtime.shared import Shared
from keeptrusts.runtime.tasks import background

START_S = 60.0
APPLY_S = 30.0
LOOK_EVERY_S = 1.0
HUNG_S = 10.0

log = logging.getLogger(__name__)


class Supervisor:
    """Owned by the event loop of its process."""

    def __init__(
        self,
        settings: Settings,
        place: Place,
        packs: PackWatch,
        ledger: SliceSource,
        group: Sequence[Sequence[socket]],
        clock: Clock,
    ) -> None:
        self.source = packs.source
        self._settings = settings
        self._active = packs.active
        self._ledger = ledger
        self._clock = clock
        self._health = InstanceHealth(packs.active, clock, workers=len(group))
        self._port = int(group[0][0].getsockname()[1])
        self._seats = [Seat(replace(place, index=index), sockets) for index, sockets in enumerate(group)]
        self._is_stopping = False
        self._statuses = Shared(self._ask_statuses)
        self._metrics = Shared(self._ask_metrics)

    @property
    def port(self) -> int:
        """Where calls are served."""
        return self._port

    # The life of workers.

    async def keep_all(self, launch: Launch) -> None:
        """Keep every seat taken. Returns when the instance has stopped."""
        async with asyncio.TaskGroup() as group:
            for seat in self._seats:
                group.create_task(self._keep(seat, launch), name=f"worker {seat.place.index}")

    async def wait_started(self) -> None:
        """Until every worker serves. Raises WorkerFailed if one cannot."""
        done, _ = await asyncio.wait([seat.first_start for seat in self._seats], return_when=asyncio.FIRST_EXCEPTION)
        failures = [failure for one in done if (failure := one.exception()) is not None]
        if failures:
            raise failures[0]

    async def _keep(self, seat: Seat, launch: Launch) -> None:
        while not self._is_stopping:
            seat.restarts.note_start(self._clock.monotonic())
            seat.is_empty.clear()
            try:
                await self._live(seat, launch)
            except OSError as refused:
                seat.note_failure(f"the system starts no process: {refused.strerror}")
                log.error("a worker cannot be started", extra={"facts": seat.facts(reason=refused.strerror)})  # noqa: TRY400 - no trace needed
            finally:
                self._ledger.listen(seat.place.boot_id, None)
                self._forget(seat)
                seat.retire()
            if self._is_stopping:
                return
            seat.past.counters.worker_restarts += 1
            delay_s = seat.restarts.plan(self._clock.monotonic())
            log.error("a worker ended and is replaced", extra={"facts": seat.facts(delay_s=delay_s)})
            if delay_s and any(other.is_serving for other in self._seats):
                seat.turn_away()
            await asyncio.sleep(delay_s)

    async def _live(self, seat: Seat, launch: Launch) -> None:
        """One process, from its start to its end."""
        for sock in seat.sockets:
            sock.listen(BACKLOG)
        seat.place = replace(seat.place, boot_id=new_hex(self._clock.unix_ns()))
        async with launch(seat.sockets, partial(self.answer, seat)) as life:
            seat.life = life
            if self._is_stopping:
                life.kill()
            log.info("a worker was started", extra={"facts": seat.facts(pid=life.pid)})

            async def attend() -> None:
                await self._attend(seat, life)

            async with background(attend):
                code = await life.wait()
        seat.note_failure("a worker ended before it served: its log says why")
        log.info("a worker ended", extra={"facts": seat.facts(pid=life.pid, exit_code=code)})

    async def _attend(self, seat: Seat, life: Life) -> None:
        """Start it, then ask it again and again how it is; one that does not answer is killed."""
        try:
            started = await life.channel.call(self._orders(seat), msgspec.Struct, within_s=START_S)
            if isinstance(started, CannotStart):
                log.error("a worker cannot serve", extra={"facts": seat.facts(reason=started.reason)})
                seat.note_failure(started.reason)
                life.kill()
                return
            assert isinstance(started, Ready)
            seat.note_serving()
            while True:
                await asyncio.sleep(LOOK_EVERY_S)
                counted = await life.channel.call(messages.AskMetrics(), Counted, within_s=HUNG_S)
                seat.counted = merge(counted.snapshots)
        except ChannelClosed:
            # It ends by itself, within its grace.
            await asyncio.sleep(self._settings.grace_s + 2 * LAST_WORDS_S)
        except ChannelError as silent:
            log.error("a worker does not answer and is killed", extra={"facts": seat.facts(reason=str(silent))})  # noqa: TRY400 - no trace needed
        life.kill()

    def _forget(self, seat: Seat) -> None:
        """What the worker had in flight is gone: others must not be refused for it."""
        try:
            clear_worker(seat.place.directory, index=seat.place.index, workers=len(self._seats))
        except OSError as refused:
            log.warning("the counts of a worker that ended stand", extra={"facts": seat.facts(reason=refused.strerror)})

    def _orders(self, seat: Seat) -> Start:
        return Start(
            version=__version__,
            settings=replace(self._settings, environment={}),
            place=seat.place,
            pack=_version_of(self._active.current()),
        )

    # The end of the instance.

    async def drain(self) -> None:
        """Stop accepting, have the workers finish what runs within the grace, then cut."""
        self._is_stopping = True
        for seat in self._seats:
            for sock in seat.sockets:
                sock.close()
        self._tell_all(messages.Drain())
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.grace_s + 2 * LAST_WORDS_S):
                for seat in self._seats:
                    await seat.is_empty.wait()

    def hurry(self) -> None:
        """Cut what still runs: the grace is over."""
        self._tell_all(messages.Cut())

    def _tell_all(self, message: messages.Message) -> None:
        for seat in self._seats:
            seat.tell(message)

    # What is asked of the instance.

    async def answer(self, seat: Seat, message: object) -> object:
        """What the worker of a seat asks."""
        match message:
            case Claim() | Report():
                return await answer_worker(self._ledger, message, seat.tell)
            case messages.AskReport():
                return await self.report()
            case messages.AskMetrics():
                return Counted(await self._metrics.get())
            case messages.AskReload():
                return await reload_pack(self.source, self._active)
        return Done()

    async def report(self) -> InstanceReport:
        """How the instance is: every worker is asked."""
        return self._health.report(await self._statuses.get())

    async def _ask_statuses(self) -> list[WorkerStatus]:
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(seat.ask(messages.AskStatus(), WorkerStatus))
                for seat in self._seats
                if seat.is_serving
            ]
        return [status for one in asked if (status := one.result()) is not None]

    async def _ask_metrics(self) -> list[MetricsSnapshot]:
        async with asyncio.TaskGroup() as group:
            for seat in self._seats:
                if seat.is_serving:
                    group.create_task(seat.count())
        return [snapshot for seat in self._seats for snapshot in (seat.past, seat.counted)]

    async def apply(self, snapshot: Snapshot) -> None:
        """Have every worker serve this version, and wait until they do."""
        version = _version_of(snapshot)
        async with asyncio.TaskGroup() as group:
            for seat in self._seats:
                if seat.life is not None:
                    group.create_task(self._apply_in(seat, seat.life, version))

    async def _apply_in(self, seat: Seat, life: Life, version: PackVersion) -> None:
        try:
            answer = await life.channel.call(version, msgspec.Struct, within_s=APPLY_S)
        except ChannelClosed:
            return  # its successor starts with this version
        except ChannelError as silent:
            log.error("a worker takes no pack and is killed", extra={"facts": seat.facts(reason=str(silent))})  # noqa: TRY400 - no trace needed
            life.kill()
            return
        if isinstance(answer, Refused):
            log.error("a worker refused a pack that was judged good", extra={"facts": seat.facts()})
            self._active.rejection = InvalidPack(answer.problems)


@asynccontextmanager
async def open_supervisor(supervisor: Supervisor, launch: Launch) -> AsyncIterator[None]:
    """Workers that serve, for the life of the block. Raises WorkerFailed."""

    async def keep() -> None:
        await supervisor.keep_all(launch)

    async with background(keep):
        await supervisor.wait_started()
        yield


@contextmanager
def open_group(settings: Settings) -> Iterator[list[list[socket]]]:
    """The listening sockets of each worker: for calls and, where there is one, for admin calls. Raises CannotListen."""
    groups: list[list[socket]] = []
    try:
        for address in (settings.listen, settings.admin_listen):
            if address is not None:
                groups.append(bind_group(address.host, address.port, settings.workers))  # noqa: PERF401 - as in bind_group
        yield [list(sockets) for sockets in zip(*groups, strict=True)]
    finally:
        for sock in (sock for group in groups for sock in group):
            sock.close()


def _version_of(snapshot: Snapshot) -> PackVersion:
    return PackVersion(
        content=snapshot.content, digest=snapshot.digest, source=snapshot.source, applied_at=snapshot.applied_at
    )
