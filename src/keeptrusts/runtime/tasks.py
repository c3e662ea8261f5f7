"""Every task starts here, in a scope that outlives nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def background(*jobs: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run jobs for the life of the block. A job that fails ends the block; leaving ends the jobs.

    Failed jobs come as an ExceptionGroup; what the block itself raises comes through as it is.
    """
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job(), name=job.__qualname__) for job in jobs]
        try:
            yield
        except Exception as error:  # noqa: BLE001 - raised again, behind the group that would wrap it
            failure = error
        finally:
            for task in tasks:
                task.cancel()
    if failure is not None:
        raise failure


def spawn(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T], *, name: str | None = None) -> asyncio.Task[T]:
    """Start a task whose owner keeps it and cancels it: a connection with its request, say."""
    return loop.create_task(work, name=name)
