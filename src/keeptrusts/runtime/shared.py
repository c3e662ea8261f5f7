"""One piece of work for all who want its result at the moment. Knows not what the work is."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from keeptrusts.runtime.tasks import spawn

T = TypeVar("T")


class Shared(Generic[T]):
    """A result that is collected once for all who wait for it: who asks often costs nothing more. Owned by the loop."""

    def __init__(self, collect: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._collect = collect
        self._work: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The result, or what collecting it raised. Whoever leaves early does not stop it for the others."""
        if self._work is None:
            self._work = spawn(asyncio.get_running_loop(), self._collect())
            self._work.add_done_callback(self._forget)
        return await asyncio.shield(self._work)

    def _forget(self, _: asyncio.Task[T]) -> None:
        self._work = None
