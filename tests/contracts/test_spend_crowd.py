"""A thousand calls at the same moment, three workers on one ledger, and one of them dies: the cap holds to the cent."""

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack

import pytest

from fakes.clock import FakeClock
from fakes.spend import NOW_NS, TODAY, MemoryEvents, make_limit
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.spend.book import Owner, SpendBook
from keeptrusts.gateway.spend.ledger import Ledger
from keeptrusts.gateway.spend.ledger_file import LEDGER_NAME, LedgerFile
from keeptrusts.gateway.spend.ledger_reader import LedgerReader
from keeptrusts.gateway.spend.slices import Claim
from keeptrusts.runtime.tasks import background

pytestmark = pytest.mark.anyio

CALLS, FIT, BOUND = 1000, 100, 1000
CAP = FIT * BOUND
LIMIT = make_limit(CAP)


class Instance:
    """Workers on one ledger, and the truth: what events say, and what calls hold that have none yet."""

    def __init__(self, folder):
        self.events = MemoryEvents()
        self.path = folder / LEDGER_NAME
        self.ledger = Ledger(LedgerFile(self.path, self.events, FakeClock()))
        self.held = 0
        self.most = 0
        self.results = Counter()
        self.is_under_way = asyncio.Event()

    def note(self, change):
        self.held += change
        self.most = max(self.most, self.held + self.events.total())


class Worker:
    """One process's book. `die` is a SIGKILL: from then on nothing of it runs."""

    def __init__(self, instance, spool, boot):
        self.instance = instance
        self.spool = spool
        owner = Owner(boot_id=boot, spool=spool, last_seq=lambda: instance.events.last_seq(spool))
        self.book = SpendBook(instance.ledger, owner, FakeClock())
        instance.ledger.listen(boot, lambda recall: None if self.is_dead else self.book.recall(recall))
        self.is_dead = False
        self.open = []  # holds of calls that went upstream

    async def call(self, cost, turns):
        """From its hold to its event."""
        instance = self.instance
        try:
            hold = await self.book.hold(LIMIT, None, NOW_NS, BOUND)
        except Fault as fault:
            instance.results[fault.code] += 1
            return
        if self.is_dead:
            return
        instance.note(BOUND)
        self.open.append(hold)
        for _ in range(turns):
            await asyncio.sleep(0)
        if self.is_dead:
            instance.results["died"] += 1
            return
        self.open.remove(hold)
        instance.events.write(self.spool, "pack", TODAY, cost)
        instance.note(-BOUND)
        hold.settle(cost)
        instance.results["served"] += 1
        if instance.results["served"] >= FIT // 5:
            instance.is_under_way.set()

    def die(self):
        self.is_dead = True

    def bury(self):
        """What a successor's outbox does: open calls become events, at an estimate."""
        for _ in self.open:
            self.instance.events.write(self.spool, "pack", TODAY, BOUND // 2)
            self.instance.note(-BOUND)


async def crowd(instance, cost, seed, *, kills):
    moments = random.Random(seed)
    async with AsyncExitStack() as stack:
        workers = [Worker(instance, name, f"boot-{name}") for name in "012"]
        for worker in workers:
            await stack.enter_async_context(background(worker.book.run))
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(workers[turn % 3].call(cost, moments.randint(0, 40))) for turn in range(CALLS)]
            if kills:
                await instance.is_under_way.wait()
                workers[1].die()
                for call in calls[1::3]:
                    call.cancel()
                workers[1].bury()
                successor = Worker(instance, "1", "boot-later")
                await stack.enter_async_context(background(successor.book.run))
    return calls


@pytest.mark.parametrize("kills", [False, True])
@pytest.mark.parametrize("cost", [BOUND, BOUND // 3])
async def test_the_cap_holds_and_nearly_all_that_fit_are_served(tmp_path, cost, kills):
    instance = Instance(tmp_path)
    await crowd(instance, cost, seed=cost, kills=kills)
    served, died = instance.results["served"], instance.results["died"]
    assert instance.most <= CAP
    assert served + died >= 90
    refused = {code for code in instance.results if isinstance(code, Code)}
    assert refused <= {Code.BUDGET_EXCEEDED, Code.BUDGET_BUSY}
    for name in "012":
        await instance.ledger.claim(Claim(owner=f"end-{name}", spool=name, seq=instance.events.last_seq(name)))
    [check] = LedgerReader(instance.path, instance.events).verify()
    assert check.ledger_micros == check.events_micros == instance.events.total() <= CAP
    instance.ledger.close()
