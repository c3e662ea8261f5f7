"""Work beside the loop: the loop goes on, results and faults come back."""

import asyncio
import sys
import threading

import pytest

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.aside import SWITCH_S, open_aside

pytestmark = pytest.mark.anyio


async def test_the_loop_goes_on_while_work_is_done():
    may_end = threading.Event()
    async with open_aside() as aside, asyncio.TaskGroup() as group:
        work = group.create_task(aside.run(may_end.wait, 10))
        await asyncio.sleep(0)
        assert not work.done()
        may_end.set()
        assert await work
    assert sys.getswitchinterval() == pytest.approx(SWITCH_S)


async def test_work_is_done_one_after_the_other():
    order = []
    async with open_aside() as aside, asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(aside.run(order.append, number))
    assert order == list(range(5))


async def test_a_fault_reaches_the_caller():
    def fail(*, code):
        raise Fault(code, "no")

    async with open_aside() as aside:
        with pytest.raises(Fault) as refused:
            await aside.run(fail, code=Code.TOO_DEEP)
    assert refused.value.code is Code.TOO_DEEP
