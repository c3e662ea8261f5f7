"""Whatever happens in whatever order, what is spent and held stays under the cap, and nothing is lost for good.

Three workers on one ledger hold, settle, wait, leave, ask, hand back, die in the middle of anything and come back; the
ledger is closed, reopened, and lost. Driven without a loop: every step here is one that no other can interrupt there.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.clock import FakeClock
from fakes.spend import NOW_NS, DirectSource, MemoryEvents, make_book, make_limit, settle
from keeptrusts.gateway.spend.account import Waiter
from keeptrusts.gateway.spend.ledger_file import LEDGER_NAME, LedgerFile

CAP = 100
LIMIT = make_limit(CAP)
SPOOLS = "012"


def run(work):
    """A coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("it waited")


class World:
    """The instance, and the truth about it."""

    def __init__(self, folder):
        self.path = Path(folder) / LEDGER_NAME
        self.events = MemoryEvents()
        self.loop = asyncio.new_event_loop()
        self.source = DirectSource(None)
        self.books, self.holds, self.waiters = {}, {spool: [] for spool in SPOOLS}, {spool: [] for spool in SPOOLS}
        self.boots = 0
        self.open()
        for spool in SPOOLS:
            self.start(spool)

    def open(self):
        self.source.file = LedgerFile(self.path, self.events, FakeClock())

    def start(self, spool):
        self.boots += 1
        self.books[spool] = make_book(self.source, self.events, spool, boot_id=f"boot-{self.boots}")
        run(self.books[spool]._claim())

    def hold(self, spool, size):
        book = self.books[spool]
        hold = book.try_hold(LIMIT, None, NOW_NS, size)
        if hold is not None:
            self.holds[spool].append(hold)
            return
        account = book._find(LIMIT, None, NOW_NS)
        if not account.is_spent(size):
            waiter = Waiter(size, self.loop.create_future())
            self.waiters[spool].append(waiter)
            book._waiting.add(account)
            account.wait(waiter)

    def collect(self):
        """Those who waited and got their hold go on."""
        for spool, waiters in self.waiters.items():
            for waiter in [one for one in waiters if one.future.done()]:
                waiters.remove(waiter)
                if waiter.future.exception() is None:
                    self.holds[spool].append(waiter.future.result())

    def settle(self, spool, choice, share, *, counted=True):
        if self.holds[spool]:
            hold = self.holds[spool].pop(choice % len(self.holds[spool]))
            if counted:
                settle(self.events, hold, hold.micros * share // 4, spool)
            else:
                self.events.write(spool, "pack", hold.account.day.name, hold.micros * share // 4)

    def leave(self, spool, choice):
        if self.waiters[spool]:
            waiter = self.waiters[spool].pop(choice % len(self.waiters[spool]))
            waiter.future.cancel()
            self.books[spool]._find(LIMIT, None, NOW_NS).leave(waiter)

    def exchange(self, spool):
        book = self.books[spool]
        book._changed |= set(book._accounts.values())
        run(book._exchange())

    def die(self, spool, choice, share):
        """Perhaps between an event and its counter. Calls under way keep what they hold until it is back."""
        if choice % 2:
            self.settle(spool, choice, share, counted=False)
        del self.books[spool]
        for waiter in self.waiters.pop(spool):
            waiter.future.cancel()
        self.waiters[spool] = []

    def come_back(self, spool, share):
        """Calls that were sent become interrupted events, at their estimated cost; others never happened."""
        for index, hold in enumerate(self.holds[spool]):
            if index % 2:
                self.events.write(spool, "pack", hold.account.day.name, hold.micros * share // 4)
        self.holds[spool] = []
        self.start(spool)

    def restart(self, share, *, is_lost):
        for spool in SPOOLS:
            if spool in self.books:
                self.die(spool, 0, share)
        self.source.file.close()
        if is_lost:
            for path in self.path.parent.glob(f"{LEDGER_NAME}*"):
                path.unlink()
        self.open()
        for spool in SPOOLS:
            self.come_back(spool, share)

    def step(self, name, spool, number, share):
        match name:
            case "restart":
                self.restart(share, is_lost=number % 2 == 0)
            case "come_back" if spool not in self.books:
                self.come_back(spool, share)
            case _ if spool not in self.books or name == "come_back":
                pass
            case "hold":
                self.hold(spool, number)
            case "settle":
                self.settle(spool, number, share)
            case "leave":
                self.leave(spool, number)
            case "die":
                self.die(spool, number, share)
            case "exchange":
                self.exchange(spool)

    def check(self):
        self.collect()
        held = sum(hold.micros for holds in self.holds.values() for hold in holds)
        assert self.events.total() + held <= CAP
        for book in self.books.values():
            for account in book._accounts.values():
                assert account.granted - account.returned == account.settled + account.held + account.free
                assert account.free >= 0

    def check_end(self):
        """Once all are back, the ledger is the sum of the events, and all the rest can be spent."""
        self.restart(3, is_lost=False)
        left = CAP - self.events.total()
        assert left >= 0
        book = self.books["0"]
        self.hold("0", left)
        run(book._exchange())
        self.collect()
        account = book._find(LIMIT, None, NOW_NS)
        assert account.spent == self.events.total()
        assert sum(hold.micros for hold in self.holds["0"]) == left

    def close(self):
        self.source.file.close()
        self.loop.close()


# Most of what happens is ordinary: otherwise nothing would be at stake when something dies.
ODDS = {"hold": 6, "exchange": 6, "settle": 4, "leave": 1, "die": 1, "come_back": 2, "restart": 1}
STEPS = st.tuples(
    st.sampled_from([name for name, odds in ODDS.items() for _ in range(odds)]),
    st.sampled_from(SPOOLS),
    st.integers(1, 60),
    st.integers(0, 4),
)


def play(steps):
    with TemporaryDirectory() as folder:
        world = World(folder)
        try:
            for name, spool, number, share in steps:
                world.step(name, spool, number, share)
                world.check()
            for one in SPOOLS:
                if one not in world.books:
                    world.come_back(one, 1)
            world.check_end()
        finally:
            world.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=30, max_size=60))
def test_spent_and_held_stay_under_the_cap_and_after_recovery_the_ledger_is_the_sum_of_the_events(steps):
    play(steps)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, min_size=50, max_size=150))
def test_the_same_for_long(steps):
    play(steps)
