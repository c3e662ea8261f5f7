"""A whole gateway in the test's own loop, between real clients and a provider that answers as told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from fakes.clients import Answer, connect
from fakes.packs import make_pack
from fakes.replay import Answering, Replay, Reply, open_replay
from keeptrusts.contract.events import DecisionEvent, SpoolRecord
from keeptrusts.gateway import serving
from keeptrusts.gateway.main import Gateway, open_gateway
from keeptrusts.gateway.settings import Address, Settings
from keeptrusts.runtime.http.dial import client_tls
from keeptrusts.runtime.spool_reader import SpoolReader

PROVIDER_KEY = "sk-canary-of-the-provider"
PATIENCE_S = 5.0
PII = ("pii-detector", "audit-logger")

_client_tls = cache(client_tls)
"""The system's certificates take longer to load than all the rest of a start."""

_decode = msgspec.json.Decoder(SpoolRecord).decode


@dataclass(slots=True)
class World:
    """A provider, a gateway before it, and where the gateway keeps its state."""

    replay: Replay
    gateway: Gateway
    folder: Path
    pack: Path
    token: str | None

    @property
    def port(self) -> int:
        return self.gateway.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def openai(self, **changes) -> AsyncOpenAI:
        """The SDK; its retries take no time worth speaking of only where a test asks for none."""
        options = {"base_url": f"{self.url}/v1", "api_key": self.token or "none", "max_retries": 0} | changes
        return AsyncOpenAI(**options)

    def anthropic(self, **changes) -> AsyncAnthropic:
        return AsyncAnthropic(**({"base_url": self.url, "api_key": self.token or "none", "max_retries": 0} | changes))

    async def ask(self, path: str, body: bytes | dict = b"", *, method: str = "POST", **headers: str) -> Answer:
        """One raw call. Underscores in the names of headers are hyphens; an empty one leaves the header out."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = {"host": "localhost", "content-type": "application/json", "content-length": str(len(data))}
        if self.token:
            lines["authorization"] = f"Bearer {self.token}"
        lines |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
        connection = await connect(self.port)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await connection.ask(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + data)
        finally:
            connection.close()

    def events(self) -> list[DecisionEvent]:
        """Every decision event that was written so far."""
        records = [_decode(record.payload) for record in SpoolReader(self.folder / "gateway-0" / "spool" / "0").read()]
        return [record for record in records if isinstance(record, DecisionEvent)]

    async def event(self) -> DecisionEvent:
        """The only event, once it is there."""
        await until(self.events)
        (event,) = self.events()
        return event

    async def health(self) -> dict:
        return json.loads((await self.ask("/health", method="GET")).body)

    def kept(self) -> bytes:
        """Everything that the gateway wrote to its state directory."""
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


@asynccontextmanager
async def open_world(
    folder: Path,
    *replies: Reply,
    answer: Answering | None = None,
    chain=(),
    token: str | None = None,
    timeouts: dict | None = None,
    targets: Sequence[dict] | None = None,
    settings: dict | None = None,
    **sections,
) -> AsyncIterator[World]:
    """A gateway whose targets lead to one replay; where none are given there is one for each dialect, for any model."""
    async with open_replay(*replies, answer=answer) as replay:
        path = folder / "pack.yaml"
        path.write_bytes(pack_for(replay.port, chain=chain, timeouts=timeouts, targets=targets, **sections))
        environment = {"UPSTREAM_KEY": PROVIDER_KEY} | ({"KEEPTRUSTS_GATEWAY_TOKEN": token} if token else {})
        given = {
            "policy_config": path,
            "state_root": folder / "state",
            "listen": Address("127.0.0.1", 0),
            "environment": environment,
            "grace_s": 2.0,
        } | (settings or {})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(serving, "client_tls", _client_tls)
            async with open_gateway(Settings(**given)) as gateway:
                yield World(replay, gateway, folder / "state", path, token)


ANY = ({"id": "oa", "provider": "openai"}, {"id": "an", "provider": "anthropic"})


def pack_for(
    port: int, *, chain=(), timeouts: dict | None = None, targets: Sequence[dict] | None = None, **sections
) -> bytes:
    """The text of a pack whose targets are on this port."""
    common = {"model": "*", "base_url": f"http://127.0.0.1:{port}", "secret_key_ref": {"env": "UPSTREAM_KEY"}}
    if timeouts:
        common["timeouts"] = timeouts
    return make_pack(*({**common, **target} for target in targets or ANY), chain=chain, **sections)


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that has no event to wait for."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.003)
