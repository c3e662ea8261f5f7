import asyncio
from types import SimpleNamespace

import pytest

from keeptrusts.runtime.http.sweep import Sweeper


class Loop:
    """A loop whose time is told to it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.planned: list[tuple[float, object, tuple[object, ...]]] = []
        self.cancelled = 0

    def time(self):
        return self.now

    def call_later(self, delay, callback, *args):
        self.planned.append((self.now + delay, callback, args))
        return SimpleNamespace(cancel=self._cancel)

    def _cancel(self):
        self.cancelled += 1

    def run_until(self, moment):
        self.now = moment
        _, callback, args = self.planned.pop()
        callback(*args)


class Entry:
    def __init__(self) -> None:
        self.seen: list[float] = []

    def sweep(self, now):
        self.seen.append(now)


def test_each_entry_is_swept_once_per_interval():
    loop, sweeper, entry = Loop(), Sweeper(0.5), Entry()
    sweeper.start(loop)
    sweeper.entries.add(entry)
    loop.run_until(100.5)
    loop.run_until(101.0)
    assert entry.seen == [100.5, 101.0]
    assert len(loop.planned) == 1


def test_a_stall_of_the_loop_does_not_age_the_peers():
    loop, sweeper = Loop(), Sweeper(0.5)
    sweeper.start(loop)
    loop.run_until(130.0)
    assert sweeper.now == 101.0
    loop.run_until(130.5)
    assert sweeper.now == 101.5


def test_one_entry_that_fails_does_not_shield_the_others(caplog):
    loop, sweeper, entry = Loop(), Sweeper(0.5), Entry()
    sweeper.start(loop)
    sweeper.entries = {SimpleNamespaceEntry(), entry}
    loop.run_until(100.5)
    assert entry.seen == [100.5]
    assert "deadlines" in caplog.text


class SimpleNamespaceEntry:
    def sweep(self, now):
        raise ValueError(now)


def test_what_else_is_due_is_done_with_each_sweep():
    turns = []
    loop, sweeper = Loop(), Sweeper(0.5, also=lambda: turns.append(1))
    sweeper.start(loop)
    loop.run_until(100.5)
    assert turns == [1]


def test_stopping_is_final():
    loop, sweeper = Loop(), Sweeper(0.5)
    sweeper.stop()
    sweeper.start(loop)
    sweeper.stop()
    sweeper.stop()
    assert loop.cancelled == 1


@pytest.mark.anyio
async def test_a_real_loop_turns_it():
    entry, sweeper = Entry(), Sweeper(0.005)
    sweeper.entries.add(entry)
    sweeper.start(asyncio.get_running_loop())
    await asyncio.sleep(0.03)
    sweeper.stop()
    assert entry.seen
