"""Money in tests: limits, events that cost something, books on a ledger, and crashes."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from fakes.clock import START_NS, FakeClock
from keeptrusts.gateway.spend.account import Account
from keeptrusts.gateway.spend.book import Owner, SpendBook
from keeptrusts.gateway.spend.slices import LedgerUnavailable
from keeptrusts.gateway.spend.spooled import Survey
from keeptrusts.policies.spend_limit import SpendLimit, SpendLimitSpec

NOW_NS = START_NS
TODAY = "2026-11-23"


def make_limit(cap_micros=100, **settings) -> SpendLimit:
    spec = msgspec.convert({"max_daily_usd": cap_micros / 1_000_000} | settings, SpendLimitSpec)
    return SpendLimit.compile(spec)


@dataclass
class MemoryEvents:
    """Stands where the spooled events do: one list per spool, of (bucket, day, micros)."""

    spools: dict = field(default_factory=dict)
    lost: dict = field(default_factory=dict)

    def write(self, spool, bucket, day, micros):
        self.spools.setdefault(spool, []).append((bucket, day, micros))

    def last_seq(self, spool):
        return len(self.spools.get(spool, ()))

    def first_seq(self, spool):
        return 1

    def spent(self, spool, after, upto):
        sums = Counter()
        for bucket, day, micros in self.spools.get(spool, ())[after:upto]:
            sums[bucket, day] += micros
        return sums

    def names(self):
        return sorted(self.spools)

    def survey(self, spool, upto):
        return Survey(self.spent(spool, 0, upto), self.lost.get(spool, 0))

    def total(self, bucket="pack", day=TODAY):
        return sum(self.spent(spool, 0, self.last_seq(spool))[bucket, day] for spool in self.spools)


class DirectSource:
    """A SliceSource that works on a ledger's file in the test's own thread, unless it `is_down` or `is_hung`."""

    def __init__(self, file):
        self.file = file
        self.listeners = {}  # by owner
        self.is_down = self.is_hung = False
        self.hung = asyncio.Event()
        self.reports = []

    def listen(self, owner, on_recall):
        self.listeners[owner] = on_recall

    async def claim(self, claim):
        self._check()
        self.file.claim(claim)

    async def lease(self, report):
        self._check()
        if self.is_hung:
            self.hung.set()
            await asyncio.Event().wait()
        self.reports.append(report)
        answer = self.file.lease(report)
        for owner, recall in answer.recalls:
            if self.listeners.get(owner):
                self.listeners[owner](recall)
        return answer.grants

    def _check(self):
        if self.is_down:
            raise LedgerUnavailable("no disk")


def make_book(source, events, name="0", *, boot_id=None, clock=None, patience_s=2.0) -> SpendBook:
    owner = Owner(boot_id=boot_id or f"boot-{name}", spool=name, last_seq=lambda: events.last_seq(name))
    book = SpendBook(source, owner, clock or FakeClock(), patience_s=patience_s)
    source.listeners[owner.boot_id] = book.recall
    return book


def settle(events, hold, micros, name="0"):
    """What the end of a call does: its event first, then the counter."""
    account: Account = hold.account
    events.write(name, account.bucket, account.day.name, micros)
    hold.settle(micros)
