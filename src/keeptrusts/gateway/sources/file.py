"""A pack in a mounted file: looked at every second by path and content, so that swapped links are seen too."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeAlias

from keeptrusts.config.problems import InvalidPack, Problem
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.snapshot import Snapshot

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0

Build: TypeAlias = Callable[[bytes], Snapshot]


class FileSource:
    """Yields a snapshot, or why there is none, whenever the file, a secret's file, or a signal says so.

    Owned by the event loop; reading and compiling happen in a thread. `served` is what the file held when it was read
    first, None where it could not be read.
    """

    def __init__(
        self, path: Path, secrets: Secrets, build: Build, served: bytes | None, *, look_every_s: float = LOOK_EVERY_S
    ) -> None:
        self._path = path
        self._secrets = secrets
        self._build = build
        self._seen = (served, secrets.stamp())
        self._look_every_s = look_every_s
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
            content, stamp = await asyncio.to_thread(self._look)
            found = (None if isinstance(content, InvalidPack) else content, stamp)
            if found == self._seen and not (is_forced or waiting):
                continue
            self._seen = found
            version = await asyncio.to_thread(self._try_build, content)
            yield version  # the consumer serves it before it asks for the next one
            self._answer(waiting, version if isinstance(version, InvalidPack) else None)

    async def _wait(self) -> bool:
        try:
            async with asyncio.timeout(self._look_every_s):
                await self._nudged.wait()
        except TimeoutError:
            return False
        self._nudged.clear()
        return True

    def _look(self) -> tuple[bytes | InvalidPack, bytes]:
        try:
            content: bytes | InvalidPack = self._path.read_bytes()
        except OSError as gone:
            content = unreadable(gone)
        return content, self._secrets.stamp()

    def _try_build(self, content: bytes | InvalidPack) -> Snapshot | InvalidPack:
        """A version that cannot be built, for whatever reason, is refused: it must not end the loop."""
        if isinstance(content, InvalidPack):
            return content
        try:
            return self._build(content)
        except InvalidPack as bad:
            return bad
        except Exception:
            log.exception("the pack could not be built")
            return _refusal("internal_error", "the gateway failed on this pack", "its log says where: report it")

    @staticmethod
    def _answer(waiting: list[asyncio.Future[InvalidPack | None]], result: InvalidPack | None) -> None:
        for answer in waiting:
            if not answer.done():
                answer.set_result(result)


def unreadable(gone: OSError) -> InvalidPack:
    """Why there is no pack where the file should be."""
    message = f"the pack's file cannot be read: {gone.strerror or type(gone).__name__}"
    return _refusal("unreadable", message, "put it back, or let the user that the gateway runs as read it")


def _refusal(code: str, message: str, suggestion: str) -> InvalidPack:
    problem = Problem(code=code, path="", line=0, column=0, message=message, excerpt="", suggestion=suggestion)
    return InvalidPack([problem])
