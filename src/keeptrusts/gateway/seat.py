"""A worker's place in the instance: its sockets and its spool stay, processes come and go."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from socket import SHUT_RDWR, socket
from typing import Protocol, TypeAlias, TypeVar

from keeptrusts.gateway.channel import Answering, Channel, ChannelError
from keeptrusts.gateway.messages import AskMetrics, Counted, Message
from keeptrusts.gateway.metrics.counts import MetricsSnapshot, merge, retire
from keeptrusts.gateway.restarts import Restarts
from keeptrusts.gateway.serving import Place

STATUS_S = 0.5

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


class Seat:
    """Owned by the supervisor's loop. `life` is None while nobody sits here."""

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

    def note_serving(self) -> None:
        self.is_serving = True
        if not self.first_start.done():
            self.first_start.set_result(None)

    def note_failure(self, reason: str) -> None:
        """At the instance's start, a worker that does not serve is a start that failed."""
        if not self.first_start.done():
            self.first_start.set_exception(WorkerFailed(reason))

    def retire(self) -> None:
        """Its process has ended: what it counted stays, so that sums never go back."""
        self.life, self.is_serving = None, False
        self.past = merge([self.past, retire(self.counted)])
        self.counted = MetricsSnapshot()
        self.is_empty.set()

    async def ask(self, message: Message, answer_type: type[T]) -> T | None:
        """What its worker answers at once, if it does."""
        try:
            return await self.life.channel.call(message, answer_type, within_s=STATUS_S) if self.life else None
        except ChannelError:
            return None

    async def count(self) -> None:
        """Have its worker tell what it counted."""
        life = self.life
        counted = await self.ask(AskMetrics(), Counted)
        if counted is not None and self.life is life:
            self.counted = merge(counted.snapshots)

    def tell(self, message: Message) -> None:
        """Send it, if there is anybody: a worker that is gone needs no telling."""
        if self.life is not None:
            with suppress(ChannelError):
                self.life.channel.tell(message)

    def turn_away(self) -> None:
        """Callers in its queue must not wait for a worker that keeps ending: others take them."""
        for sock in self.sockets:
            with suppress(OSError):
                sock.shutdown(SHUT_RDWR)

    def facts(self, **facts: object) -> dict[str, object]:
        """For the log."""
        return {"worker": self.place.index, **facts}
