"""Jobs that live as long as a block, and no longer."""

import asyncio

import pytest

from keeptrusts.runtime.tasks import background, spawn

pytestmark = pytest.mark.anyio


async def forever():
    await asyncio.Event().wait()


async def test_jobs_run_while_the_block_does_and_end_with_it():
    said = []

    async def job():
        said.append("begun")
        try:
            await forever()
        finally:
            said.append("ended")

    async with background(job):
        await asyncio.sleep(0)
        assert said == ["begun"]
    assert said == ["begun", "ended"]


async def test_a_job_that_fails_ends_the_block_with_its_reason():
    async def fail():
        raise OSError("the disk is gone")

    with pytest.raises(ExceptionGroup) as failed:
        async with background(fail, forever):
            await forever()
    assert [str(error) for error in failed.value.exceptions] == ["the disk is gone"]


async def test_a_block_that_fails_ends_its_jobs_and_its_error_comes_through_as_it_is():
    ended = asyncio.Event()

    async def job():
        try:
            await forever()
        finally:
            ended.set()

    with pytest.raises(ValueError, match="not a number"):
        async with background(job):
            int("not a number", await asyncio.sleep(0, 10))
    assert ended.is_set()


async def test_a_job_that_ends_by_itself_ends_nothing_else():
    async def short():
        return

    async with background(short, forever):
        await asyncio.sleep(0)
        assert "short" not in {task.get_name() for task in asyncio.all_tasks()}
        assert any(task.get_name() == "forever" for task in asyncio.all_tasks())


async def test_a_spawned_task_is_its_owners():
    task = spawn(asyncio.get_running_loop(), forever(), name="request")
    assert task.get_name() == "request"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
