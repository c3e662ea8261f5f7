"""A worker's book: holds from memory, one question for many callers, and refusals that ask nobody."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from fakes.clock import FakeClock
from fakes.spend import NOW_NS, DirectSource, MemoryEvents, make_book, make_limit, settle
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.spend.book import LINGER_NS, MAX_WAITERS, Owner, open_book
from keeptrusts.gateway.spend.ledger_file import LEDGER_NAME, LedgerFile
from keeptrusts.gateway.spend.slices import Recall
from keeptrusts.runtime.tasks import background, spawn

pytestmark = pytest.mark.anyio
LIMIT = make_limit(100)
DAY_NS = 86_400_000_000_000


class Instance:
    """A ledger and the books on it."""

    def __init__(self, folder):
        self.events = MemoryEvents()
        self.clock = FakeClock()
        self.source = DirectSource(LedgerFile(folder / LEDGER_NAME, self.events, self.clock))

    @asynccontextmanager
    async def open(self, name="0", **settings):
        book = make_book(self.source, self.events, name, clock=self.clock, **settings)
        async with background(book.run):
            yield book


@pytest.fixture
def instance(tmp_path):
    instance = Instance(tmp_path)
    yield instance
    instance.source.file.close()


def take(book, micros, limit=LIMIT, key=None, at=NOW_NS):
    return book.hold(limit, key, at, micros)


async def attempt(book, micros, limit=LIMIT, key=None):
    """A hold, or the code that it was refused with."""
    try:
        return await take(book, micros, limit, key)
    except Fault as fault:
        return fault.code


async def all_of(*works):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
    return [task.result() for task in tasks]


async def test_the_first_call_waits_for_the_ledger_and_the_next_for_nobody(instance):
    async with instance.open() as book:
        assert book.try_hold(LIMIT, None, NOW_NS, 1) is None
        await take(book, 1)
        assert book.try_hold(LIMIT, None, NOW_NS, 1).micros == 1


async def test_eight_first_calls_of_an_unknown_key_together_do_not_pass_its_cap(instance):
    limit = make_limit(100, per="key")

    async def call(book):
        hold = await attempt(book, 30, limit, "gk_new")
        if isinstance(hold, Code):
            return hold
        await asyncio.sleep(0)
        return settle(instance.events, hold, 30)

    async with instance.open() as book:
        results = await all_of(*[call(book) for _ in range(8)])
    assert sorted(results, key=bool) == [None] * 3 + [Code.BUDGET_EXCEEDED] * 5
    assert instance.events.total("gk_new") == 90


async def test_a_sessions_parallel_calls_race_each_other_on_three_workers_and_none_passes_the_cap(instance):
    spent = []

    async def call(book, name):
        hold = await attempt(book, 10)
        if not isinstance(hold, Code):
            await asyncio.sleep(0)
            settle(instance.events, hold, 10, name)
            spent.append(10)

    async with instance.open("0") as one, instance.open("1") as two, instance.open("2") as three:
        books = {"0": one, "1": two, "2": three}
        await all_of(*[call(books[name], name) for name in "012" * 20])
    assert sum(spent) == instance.events.total() == 100


async def test_one_question_serves_all_who_wait(instance):
    async with instance.open() as book:
        await all_of(*[take(book, 10) for _ in range(10)])
    assert len(instance.source.reports) <= 3


async def test_refusals_over_spent_money_ask_nobody(instance):
    async with instance.open() as book:
        settle(instance.events, await take(book, 95), 95)
        asked = len(instance.source.reports)
        for _ in range(500):
            assert await attempt(book, 10) is Code.BUDGET_EXCEEDED
        assert len(instance.source.reports) == asked
        await take(book, 5)


async def test_money_that_is_only_held_is_waited_for(instance):
    async with instance.open() as book:
        first = await take(book, 100)
        waiting = asyncio.get_running_loop().create_task(take(book, 60))
        await asyncio.sleep(0)
        settle(instance.events, first, 40)
        assert (await waiting).micros == 60


async def test_whoever_waited_in_vain_is_told_to_try_again(instance):
    async with instance.open("0") as one, instance.open("1", patience_s=0.0) as two:
        await take(one, 100)
        assert await attempt(two, 10) is Code.BUDGET_BUSY


async def test_no_more_than_a_thousand_wait_in_one_bucket(instance):
    async with instance.open() as book:
        await take(book, 100)
        account = book._find(LIMIT, None, NOW_NS)
        tasks = [asyncio.get_running_loop().create_task(attempt(book, 1)) for _ in range(MAX_WAITERS)]
        await asyncio.sleep(0)
        assert len(account.waiters) == MAX_WAITERS
        assert await attempt(book, 1) is Code.BUDGET_BUSY
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert (len(account.waiters), account.held) == (0, 100)


async def test_a_caller_that_leaves_while_waiting_leaves_no_trace(instance):
    async with instance.open() as book:
        first = await take(book, 100)
        account = first.account
        task = asyncio.get_running_loop().create_task(take(book, 60))
        await asyncio.sleep(0)
        first.settle(0)  # the hold is given at the very moment at which its caller leaves
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (account.held, account.free, account.spent) == (0, 100, 0)


async def test_what_one_worker_does_not_use_is_handed_to_one_that_needs_it(instance):
    async with instance.open("0") as one, instance.open("1") as two:
        (await take(one, 100)).settle(0)
        assert (await take(two, 100)).micros == 100


async def test_a_lost_ledger_stops_spending_and_says_so(instance):
    instance.source.is_down = True
    async with instance.open() as book:
        assert await attempt(book, 10) is Code.LEDGER_UNAVAILABLE
        assert book.is_failing
        instance.source.is_down = False
        await take(book, 10)
        assert not book.is_failing


async def test_each_day_has_its_own_budget_and_a_call_counts_in_the_day_it_came(instance):
    async with instance.open() as book:
        late = await take(book, 80)
        instance.clock.advance(86_400)
        await take(book, 100, at=NOW_NS + DAY_NS)
        settle(instance.events, late, 80)
        assert await attempt(book, 30) is Code.BUDGET_EXCEEDED
    assert instance.events.total() == 80


async def test_an_ended_day_is_reported_once_more_and_forgotten(instance):
    async with instance.open() as book:
        settle(instance.events, await take(book, 80), 70)
        instance.clock.advance((DAY_NS + LINGER_NS) / 1e9)
        await take(book, 10, at=instance.clock.unix_ns())
        assert [account.day.name for account in book._accounts.values()] == ["2026-11-24"]
        late = await take(book, 30)  # a clock that was set back, say
        assert late.account.spent == 70
        assert await attempt(book, 31) is Code.BUDGET_EXCEEDED


async def test_a_lowered_cap_refuses_at_once_and_a_raised_one_lets_in(instance):
    async with instance.open() as book:
        settle(instance.events, await take(book, 60), 60)
        assert await attempt(book, 10, make_limit(65)) is Code.BUDGET_EXCEEDED
        assert (await take(book, 100, make_limit(160))).micros == 100


async def test_hours_of_another_time_zone_keep_the_days_spend(instance):
    async with instance.open() as book:
        settle(instance.events, await take(book, 60), 60)
        assert await attempt(book, 50, make_limit(100, timezone="Europe/Berlin")) is Code.BUDGET_EXCEEDED


async def test_every_worker_tells_the_same_budget_and_what_is_leased_is_not_held(instance):
    async with instance.open("0") as one, instance.open("1") as two:
        await two.budget(LIMIT, None)
        settle(instance.events, await take(one, 10), 5)
        await take(one, 10)
        budgets = [await one.budget(LIMIT, None), await two.budget(LIMIT, None)]
        assert [(told.spent_micros, told.held_micros) for told in budgets] == [(5, 10)] * 2


async def test_the_budget_of_a_key_is_told_also_before_its_first_call(instance):
    async with instance.open("0") as one, instance.open("1") as two:
        settle(instance.events, await take(one, 60), 25)
        await take(one, 10)
        one.recall(Recall(bucket="pack", day="2026-11-23"))
        await asyncio.sleep(0.01)
        budget = await two.budget(LIMIT, None)
        assert (budget.cap_micros, budget.spent_micros, budget.held_micros, budget.left_micros) == (100, 25, 10, 65)


async def test_at_its_end_a_book_hands_everything_back(instance):
    owner = Owner(boot_id="boot-0", spool="0", last_seq=lambda: instance.events.last_seq("0"))
    async with open_book(instance.source, owner, instance.clock) as book:
        settle(instance.events, await take(book, 60), 20)
    [row] = instance.source.file._db.execute("SELECT granted - returned, spent, held FROM slices")
    assert row == (20, 20, 0)


async def test_what_was_being_reported_when_the_end_came_is_reported_all_the_same(instance):
    owner = Owner(boot_id="boot-0", spool="0", last_seq=lambda: instance.events.last_seq("0"))
    async with open_book(instance.source, owner, instance.clock) as book:
        settle(instance.events, await take(book, 80), 70)
        await book.budget(LIMIT, None)
        instance.clock.advance((DAY_NS + LINGER_NS) / 1e9)
        instance.source.is_hung = True
        waits = spawn(asyncio.get_running_loop(), take(book, 10, at=instance.clock.unix_ns()))
        await asyncio.wait_for(instance.source.hung.wait(), 5)
        waits.cancel()
        instance.source.is_hung = False
    rows = instance.source.file._db.execute("SELECT granted - returned - spent - held FROM slices").fetchall()
    assert rows == [(0,)]


async def test_a_book_that_never_spent_reports_nothing(instance):
    owner = Owner(boot_id="boot-0", spool="0", last_seq=lambda: 0)
    async with open_book(instance.source, owner, instance.clock):
        await asyncio.sleep(0)
    assert instance.source.reports == []
