"""What the calls of one worker may spend, answered from memory; the ledger is asked ahead, in the background.

A call takes a hold without waiting as long as the slice of its bucket has room. Otherwise it queues, for two seconds at
most, while one task asks the ledger for all buckets together and settlements make room. Where what is spent leaves no
room, the refusal comes from memory too: a flood of refused calls asks nobody.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from keeptrusts.gateway.spend.account import Account, Hold, Waiter
from keeptrusts.gateway.spend.refusals import ledger_unavailable
from keeptrusts.gateway.spend.slices import Claim, LedgerUnavailable, Recall, Report, SliceSource
from keeptrusts.policies.spend_limit import Day, SpendLimit
from keeptrusts.runtime.clock import Clock
from keeptrusts.runtime.tasks import background

PATIENCE_S = 2.0
MAX_WAITERS = 1000
"""In one bucket. Whoever would be the next is told at once to try again."""
REPORT_EVERY_S = 1.0
ASK_AGAIN_S = 0.1
QUICK_S, SLOW_S = 1.0, 30.0
"""A slice that lasted less, or longer, than this is followed by a larger, or a smaller, one."""
LINGER_NS = 60_000_000_000
"""How long after its end a day's account is kept in memory, beyond the last call that holds in it."""
MAX_EVENTS_BEHIND = 10_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who reports: a boot id, the spool that its events go to, and what the last number there is."""

    boot_id: str
    spool: str
    last_seq: Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How one bucket stands. Micro-dollars; `resets_ns` is in nanoseconds since 1970."""

    bucket: str
    day: str
    cap_micros: int
    spent_micros: int
    held_micros: int
    resets_ns: int

    @property
    def left_micros(self) -> int:
        return max(0, self.cap_micros - self.spent_micros - self.held_micros)


class SpendBook:
    """Owned by the event loop. `run` must be running for anything to be granted."""

    def __init__(self, source: SliceSource, owner: Owner, clock: Clock, *, patience_s: float = PATIENCE_S) -> None:
        self._source = source
        self._owner = owner
        self._clock = clock
        self._patience_s = patience_s
        self._accounts: dict[tuple[str, str], Account] = {}
        self._days: dict[str, Day] = {}  # the last day of each time zone: nearly all calls fall into it
        self._changed: set[Account] = set()
        self._asking: set[Account] = set()  # those that need more than they have
        self._waiting: set[Account] = set()  # those that calls may wait for
        self._ended: list[Account] = []  # to be reported for the last time
        self._sweep_ns = 0
        self._asked_at: dict[Account, float] = {}
        self._wake = asyncio.Event()
        self._next_exchange: list[asyncio.Future[None]] = []
        self._is_claimed = False
        self._reported_seq = 0
        self._is_failing = False

    # Calls.

    def try_hold(self, limit: SpendLimit, key_id: str | None, received_ns: int, worst_micros: int) -> Hold | None:
        """A hold for the worst case of a call, at once or not at all."""
        account = self._find(limit, key_id, received_ns)
        return account.try_hold(worst_micros)

    async def hold(self, limit: SpendLimit, key_id: str | None, received_ns: int, worst_micros: int) -> Hold:
        """A hold, after others if need be. Raises Fault: `budget_exceeded`, `budget_busy`, `ledger_unavailable`."""
        account = self._find(limit, key_id, received_ns)
        hold = account.try_hold(worst_micros)
        if hold is not None:
            return hold
        if account.is_spent(worst_micros):
            raise account.exceeded(worst_micros)
        if len(account.waiters) >= MAX_WAITERS:
            raise account.busy(worst_micros)
        return await self._wait(account, worst_micros)

    async def _wait(self, account: Account, micros: int) -> Hold:
        loop = asyncio.get_running_loop()
        waiter = Waiter(micros, loop.create_future())
        timer = loop.call_later(self._patience_s, account.expire, waiter)
        self._waiting.add(account)
        account.wait(waiter)
        try:
            return await waiter.future
        except asyncio.CancelledError:
            _undo(waiter)
            account.leave(waiter)
            raise
        finally:
            timer.cancel()

    async def budget(self, limit: SpendLimit, key_id: str | None) -> Budget:
        """How the bucket of this key stands now, over all workers, as they reported; the ledger is asked anew."""
        account = self._find(limit, key_id, self._clock.unix_ns())
        self.note_change(account)
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._next_exchange.append(told)
        self._wake.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(told, self._patience_s)
        return Budget(
            bucket=account.bucket,
            day=account.day.name,
            cap_micros=account.cap_micros,
            spent_micros=account.spent,
            held_micros=account.held + account.others_held,
            resets_ns=account.day.ends_ns,
        )

    def recall(self, recall: Recall) -> None:
        """Somebody else needs room: hand back what no call holds, now."""
        account = self._accounts.get((recall.bucket, recall.day))
        if account is not None:
            account.give_back()
            self._wake.set()

    @property
    def is_failing(self) -> bool:
        """The ledger could not be asked the last time."""
        return self._is_failing

    # What accounts say.

    def note_change(self, account: Account) -> None:
        self._changed.add(account)

    def ask_now(self, account: Account) -> None:
        self._changed.add(account)
        self._asking.add(account)
        self._wake.set()

    # The exchange with the ledger.

    async def run(self) -> None:
        """Ask when somebody needs, report every second. Never returns."""
        while True:
            try:
                await self._claim()
                await self._exchange()
            except LedgerUnavailable as unavailable:
                self._note_failure(unavailable)
            await self._pause()

    async def finish(self) -> None:
        """Hand everything back, when no call will come any more; calls that never ended keep what they hold."""
        for account in self._accounts.values():
            if account.granted:
                account.give_back()
        try:
            await self._claim()
            await self._exchange()
        except LedgerUnavailable as unavailable:
            self._note_failure(unavailable)

    async def _claim(self) -> None:
        if not self._is_claimed:
            owner = self._owner
            await self._source.claim(Claim(owner=owner.boot_id, spool=owner.spool, seq=owner.last_seq()))
            self._is_claimed = True

    async def _exchange(self) -> None:
        """Report all that changed since the last time, at one moment, and take what is granted for it."""
        self._drop_ended_days()
        ended, self._ended = self._ended, []
        self._waiting = {account for account in self._waiting if account.waiters}
        changed, self._changed = self._changed | self._waiting, set()
        accounts, told, seq = [*ended, *changed], self._next_exchange, self._owner.last_seq()
        if not accounts and seq - self._reported_seq < MAX_EVENTS_BEHIND:
            return
        self._pace()
        self._next_exchange = []
        requests = tuple(one.request(is_last=index < len(ended)) for index, one in enumerate(accounts))
        report = Report(owner=self._owner.boot_id, spool=self._owner.spool, seq=seq, requests=requests)
        try:
            grants = await self._source.lease(report)
        except BaseException:
            self._ended += ended
            self._changed |= changed
            raise
        finally:
            for future in told:
                if not future.done():
                    future.set_result(None)
        self._reported_seq = seq
        self._is_failing = False
        for account, grant in zip(accounts[len(ended) :], grants.grants[len(ended) :], strict=True):
            account.receive(grant)

    def _pace(self) -> None:
        """Slices that are used up quickly grow."""
        now = self._clock.monotonic()
        for account in self._asking:
            lasted = now - self._asked_at.get(account, now - QUICK_S)
            self._asked_at[account] = now
            if lasted < QUICK_S:
                account.grow()
            elif lasted > SLOW_S:
                account.shrink()
        self._asking.clear()

    async def _pause(self) -> None:
        is_short = any(account.waiters for account in self._waiting)
        with suppress(TimeoutError):
            async with asyncio.timeout(ASK_AGAIN_S if is_short else REPORT_EVERY_S):
                await self._wake.wait()
        self._wake.clear()

    def _drop_ended_days(self) -> None:
        now_ns = self._clock.unix_ns()
        if now_ns < self._sweep_ns:
            return
        self._sweep_ns = now_ns + LINGER_NS
        for key, account in list(self._accounts.items()):
            if now_ns > account.day.ends_ns + LINGER_NS and not account.held and not account.waiters:
                del self._accounts[key]
                account.give_back()
                self._changed.discard(account)
                self._asked_at.pop(account, None)
                if account.granted:
                    self._ended.append(account)

    def _note_failure(self, unavailable: LedgerUnavailable) -> None:
        if not self._is_failing:
            log.error("the spend ledger cannot be asked: %s", unavailable)
        self._is_failing = True
        for account in self._waiting:
            account.refuse_all(ledger_unavailable())

    # Accounts.

    def _find(self, limit: SpendLimit, key_id: str | None, unix_ns: int) -> Account:
        zone = limit.zone.key
        day = self._days.get(zone)
        if day is None or not day.starts_ns <= unix_ns < day.ends_ns:
            day = self._days[zone] = limit.day_of(unix_ns)
        key = (limit.bucket_of(key_id), day.name)
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = Account(key[0], day, limit.cap_micros, self)
        elif account.cap_micros != limit.cap_micros or account.day is not day:
            account.adopt(limit.cap_micros, day)
        return account


def _undo(waiter: Waiter) -> None:
    """Its caller has gone: a hold that it got at the same moment is released, a refusal is heard by nobody."""
    future = waiter.future
    if future.done() and not future.cancelled() and future.exception() is None:
        future.result().settle(0)


@asynccontextmanager
async def open_book(source: SliceSource, owner: Owner, clock: Clock) -> AsyncIterator[SpendBook]:
    """A book for the life of the block; what it has left goes back to the ledger at the end."""
    book = SpendBook(source, owner, clock)
    source.listen(owner.boot_id, book.recall)
    try:
        async with background(book.run):
            yield book
    finally:
        source.listen(owner.boot_id, None)
        await book.finish()
