"""Work on large bodies, on one thread beside the event loop: calls of others go on meanwhile. Knows nothing of calls.

Such work shares the interpreter with the loop, which gets it back within SWITCH_S as long as no single step of the
work is long. One thread is enough: more would not be faster, and each would make the loop wait.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar

SWITCH_S = 0.0005
"""How long the loop may have to wait for the interpreter. Python's own choice, 5 ms, is a call's whole time."""

P = ParamSpec("P")
R = TypeVar("R")


class Aside:
    """Runs one piece of work after the other. Shared by all calls of the process."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What `work` gives or raises. A caller that is cancelled does not stop work that has begun."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: work(*args, **kwargs))


@asynccontextmanager
async def open_aside() -> AsyncIterator[Aside]:
    """For the life of the block; what has not begun at its end never runs."""
    sys.setswitchinterval(SWITCH_S)
    executor = ThreadPoolExecutor(1, thread_name_prefix="aside")
    executor.submit(int)  # the thread begins now: whoever begins one waits until it runs, and then others are waiting
    try:
        yield Aside(executor)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
