"""One piece of work for all who want its result at the moment."""

import asyncio

import pytest

from keeptrusts.runtime.shared import Shared
from keeptrusts.runtime.tasks import spawn

pytestmark = pytest.mark.anyio


class Work:
    """Counts how often it was begun; ends when it is told to."""

    def __init__(self):
        self.begun = 0
        self.outcome = None

    async def __call__(self):
        self.begun += 1
        self.outcome = asyncio.get_running_loop().create_future()
        return await self.outcome


async def asked(shared, times):
    """So many who wait, once they do."""
    tasks = [spawn(asyncio.get_running_loop(), shared.get()) for _ in range(times)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_all_who_ask_meanwhile_get_one_result():
    work = Work()
    tasks = await asked(Shared(work), 3)
    work.outcome.set_result("counts")
    assert [await task for task in tasks] == ["counts"] * 3
    assert work.begun == 1


async def test_whoever_asks_afterwards_gets_a_new_one():
    work = Work()
    shared = Shared(work)
    for result in ("first", "second"):
        [task] = await asked(shared, 1)
        work.outcome.set_result(result)
        assert await task == result
    assert work.begun == 2


async def test_a_failure_reaches_all_who_wait_and_does_not_last():
    work = Work()
    shared = Shared(work)
    tasks = await asked(shared, 2)
    work.outcome.set_exception(OSError("no room"))
    for task in tasks:
        with pytest.raises(OSError, match="no room"):
            await task
    [task] = await asked(shared, 1)
    work.outcome.set_result("again")
    assert await task == "again"


async def test_one_who_leaves_does_not_stop_it_for_the_others():
    work = Work()
    leaving, staying = await asked(Shared(work), 2)
    leaving.cancel()
    await asyncio.sleep(0)
    work.outcome.set_result("counts")
    assert await staying == "counts"
