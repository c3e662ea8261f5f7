"""A pack in a mounted file: looked at every second by path and content, so that swapped links are seen too."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeAlias

from keeptrusts.config.problems import InvalidPack
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.snapshot import Snapshot

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0

Build: TypeAlias = Callable[[bytes], Snapshot]


class FileSource:
    """Yields a snapshot, or why there is none, whenever the file, a secret's file, or a signal says so.

    Owned by the event loop; reading and compiling happen in a thread.
    """

    def __init__(self, path: Path, secrets: Secrets, build: Build, served: bytes) -> None:
        self._path = path
        self._secrets = secrets
        self._build = build
        self._seen = (served, secrets.stamp())
        self._nudged = asyncio.Event()
        self._waiting: list[asyncio.Future[InvalidPack | None]] = []

    def nudge(self) -> None:
        """Look now, and apply even if nothing changed: what SIGHUP means."""
        self._nudged.set()

    async def reload(self) -> InvalidPack | None:
        """Look now and wait until the version is served; gives the problems if it was refused."""
        answer: asyncio.Future[InvalidPack | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._nudged.set()
        return await answer

    async def versions(self) -> AsyncIterator[Snapshot | InvalidPack]:
        while True:
            is_forced = await self._wait()
            waiting, self._waiting = self._waiting, []
            try:
                content, stamp = await asyncio.to_thread(self._look)
            except OSError as gone:
                self._answer(waiting, None)
                log.warning("pack unreadable", extra={"facts": {"path": str(self._path), "error": gone.strerror}})
                continue
            if (content, stamp) == self._seen and not is_forced:
                continue
            self._seen = (content, stamp)
            version = await asyncio.to_thread(self._try_build, content)
            yield version  # the consumer serves it before it asks for the next one
            self._answer(waiting, version if isinstance(version, InvalidPack) else None)

    async def _wait(self) -> bool:
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._nudged.wait()
        except TimeoutError:
            return False
        self._nudged.clear()
        return True

    def _look(self) -> tuple[bytes, bytes]:
        return self._path.read_bytes(), self._secrets.stamp()

    def _try_build(self, content: bytes) -> Snapshot | InvalidPack:
        try:
            return self._build(content)
        except InvalidPack as bad:
            return bad

    @staticmethod
    def _answer(waiting: list[asyncio.Future[InvalidPack | None]], result: InvalidPack | None) -> None:
        for answer in waiting:
            if not answer.done():
                answer.set_result(result)
