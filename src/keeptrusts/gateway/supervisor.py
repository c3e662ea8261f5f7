"""The instance, where several processes serve: it watches the pack, keeps workers alive, and answers for all of them.

It serves no call itself. A worker that ends is replaced; what it had open its successor records as interrupted.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from socket import SHUT_RDWR, socket
from typing import Generic, Protocol, TypeAlias, TypeVar

import msgspec

from keeptrusts import __version__
from keeptrusts.config.problems import InvalidPack
from keeptrusts.gateway import messages
from keeptrusts.gateway.channel import Answering, Channel, ChannelClosed, ChannelError
from keeptrusts.gateway.health import InstanceHealth, InstanceReport, WorkerStatus
from keeptrusts.gateway.http.server import BACKLOG, LAST_WORDS_S, bind_group
from keeptrusts.gateway.instance import reload_pack
from keeptrusts.gateway.limits.counts import clear_worker
from keeptrusts.gateway.messages import CannotStart, Counted, Done, PackVersion, Ready, Refused, Start
from keeptrusts.gateway.metrics.counts import MetricsSnapshot, merge, retire
from keeptrusts.gateway.pack_watch import PackWatch
from keeptrusts.gateway.restarts import Restarts
from keeptrusts.gateway.serving import Place
from keeptrusts.gateway.settings import Settings
from keeptrusts.gateway.snapshot import Snapshot
from keeptrusts.gateway.spend.remote import answer_worker
from keeptrusts.gateway.spend.slices import Claim, Report, SliceSource
from keeptrusts.runtime.clock import Clock
from keeptrusts.runtime.identifiers import new_hex
from keeptrusts.runtime.tasks import background, spawn

START_S = 60.0
APPLY_S = 30.0
LOOK_EVERY_S = 1.0
HUNG_S = 10.0
STATUS_S = 0.5

log = logging.getLogger(__name__)

T = TypeVar("T")


class WorkerFailed(Exception):
    """A worker could not serve at the instance's start. The message says why."""


class Life(Protocol):
    """One worker process, from its start to its end."""

    channel: Channel

    @property
    def pid(self) -> int:
        """The process's number."""

    async def wait(self) -> int:
        """Until it ended; its exit code, or minus the signal."""

    def kill(self) -> None:
        """SIGKILL."""


Launch: TypeAlias = Callable[[Sequence[socket], Answering], AbstractAsyncContextManager[Life]]


class Shared(Generic[T]):
    """An answer that is collected once for all who want it at the moment: who asks often costs workers nothing more."""

    def __init__(self, collect: Callable[[], Awaitable[T]]) -> None:
        self._collect = collect
        self._waiting: list[asyncio.Future[T]] = []
        self._work: asyncio.Task[None] | None = None

    async def get(self) -> T:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._waiting.append(answer)
        if self._work is None:
            self._work = spawn(loop, self._run(), name="ask all workers")
        return await answer

    async def _run(self) -> None:
        try:
            collected = await self._collect()
            waiting, self._waiting = self._waiting, []
            for answer in waiting:
                if not answer.done():
                    answer.set_result(collected)
        finally:
            self._work = None


class Seat:
    """A worker's place in the instance: its sockets and its spool stay, processes come and go."""

    def __init__(self, place: Place, sockets: Sequence[socket]) -> None:
        self.place = place
        self.sockets = sockets
        self.restarts = Restarts()
        self.life: Life | None = None
        self.is_serving = False
        self.first_start: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_empty = asyncio.Event()
        self.is_empty.set()
        self.counted = MetricsSnapshot()  # as far as its process told
        self.past = MetricsSnapshot()  # what the processes before it counted

    def retire(self) -> None:
        """Its process has ended: what it counted stays, so that sums never go back."""
        self.life, self.is_serving = None, False
        self.past = merge([self.past, retire(self.counted)])
        self.counted = MetricsSnapshot()
        self.is_empty.set()


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
                self._note_failure(seat, f"the system starts no process: {refused.strerror}")
                log.error("a worker cannot be started", extra={"facts": _facts(seat, reason=refused.strerror)})  # noqa: TRY400 - no trace needed
            finally:
                self._ledger.listen(seat.place.boot_id, None)
                self._forget(seat)
                seat.retire()
            if self._is_stopping:
                return
            seat.past.counters.worker_restarts += 1
            delay_s = seat.restarts.plan(self._clock.monotonic())
            log.error("a worker ended and is replaced", extra={"facts": _facts(seat, delay_s=delay_s)})
            if delay_s:
                self._turn_callers_away(seat)
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
            log.info("a worker was started", extra={"facts": _facts(seat, pid=life.pid)})

            async def attend() -> None:
                await self._attend(seat, life)

            async with background(attend):
                code = await life.wait()
        self._note_failure(seat, "a worker ended before it served: its log says why")
        log.info("a worker ended", extra={"facts": _facts(seat, pid=life.pid, exit_code=code)})

    async def _attend(self, seat: Seat, life: Life) -> None:
        """Start it, then ask it again and again how it is; one that does not answer is killed."""
        try:
            started = await life.channel.call(self._orders(seat), msgspec.Struct, within_s=START_S)
            if isinstance(started, CannotStart):
                log.error("a worker cannot serve", extra={"facts": _facts(seat, reason=started.reason)})
                self._note_failure(seat, started.reason)
                life.kill()
                return
            assert isinstance(started, Ready)
            seat.is_serving = True
            if not seat.first_start.done():
                seat.first_start.set_result(None)
            while True:
                await asyncio.sleep(LOOK_EVERY_S)
                counted = await life.channel.call(messages.AskMetrics(), Counted, within_s=HUNG_S)
                seat.counted = merge(counted.snapshots)
        except ChannelClosed:
            # It ends by itself, within its grace.
            await asyncio.sleep(self._settings.grace_s + 2 * LAST_WORDS_S)
        except ChannelError as silent:
            log.error("a worker does not answer and is killed", extra={"facts": _facts(seat, reason=str(silent))})  # noqa: TRY400 - no trace needed
        life.kill()

    def _forget(self, seat: Seat) -> None:
        """What the worker had in flight is gone: others must not be refused for it."""
        try:
            clear_worker(seat.place.directory, index=seat.place.index, workers=len(self._seats))
        except OSError as refused:
            log.warning(
                "the counts of a worker that ended stand", extra={"facts": _facts(seat, reason=refused.strerror)}
            )

    @staticmethod
    def _note_failure(seat: Seat, reason: str) -> None:
        """At the instance's start, a worker that does not serve is a start that failed."""
        if not seat.first_start.done():
            seat.first_start.set_exception(WorkerFailed(reason))

    def _orders(self, seat: Seat) -> Start:
        return Start(
            version=__version__,
            settings=replace(self._settings, environment={}),
            place=seat.place,
            pack=_version_of(self._active.current()),
        )

    def _turn_callers_away(self, seat: Seat) -> None:
        """A worker that keeps ending must not keep callers waiting in its queue: the others take them."""
        if any(other.is_serving for other in self._seats):
            for sock in seat.sockets:
                with suppress(OSError):
                    sock.shutdown(SHUT_RDWR)

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
            _tell(seat, message)

    # What is asked of the instance.

    async def answer(self, seat: Seat, message: object) -> object:
        """What the worker of a seat asks."""
        match message:
            case Claim() | Report():
                return await answer_worker(self._ledger, message, partial(_tell, seat))
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
                group.create_task(_ask(seat, messages.AskStatus(), WorkerStatus))
                for seat in self._seats
                if seat.is_serving
            ]
        return [status for one in asked if (status := one.result()) is not None]

    async def _ask_metrics(self) -> list[MetricsSnapshot]:
        async with asyncio.TaskGroup() as group:
            for seat in self._seats:
                if seat.is_serving:
                    group.create_task(_count(seat))
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
            log.error("a worker takes no pack and is killed", extra={"facts": _facts(seat, reason=str(silent))})  # noqa: TRY400 - no trace needed
            life.kill()
            return
        if isinstance(answer, Refused):
            log.error("a worker refused a pack that was judged good", extra={"facts": _facts(seat)})
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


async def _ask(seat: Seat, message: messages.Message, answer_type: type[T]) -> T | None:
    """What the worker of a seat answers at once, if it does."""
    try:
        return await seat.life.channel.call(message, answer_type, within_s=STATUS_S) if seat.life else None
    except ChannelError:
        return None


def _tell(seat: Seat, message: messages.Message) -> None:
    """Send it, if there is anybody: a worker that is gone needs no telling."""
    if seat.life is not None:
        with suppress(ChannelError):
            seat.life.channel.tell(message)


async def _count(seat: Seat) -> None:
    life = seat.life
    counted = await _ask(seat, messages.AskMetrics(), Counted)
    if counted is not None and seat.life is life:
        seat.counted = merge(counted.snapshots)


def _version_of(snapshot: Snapshot) -> PackVersion:
    return PackVersion(
        content=snapshot.content, digest=snapshot.digest, source=snapshot.source, applied_at=snapshot.applied_at
    )


def _facts(seat: Seat, **facts: object) -> dict[str, object]:
    return {"worker": seat.place.index, **facts}
