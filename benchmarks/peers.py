"""Other gateways, measured beside ours: LiteLLM proxy and Portkey where they are installed, and any that runs at a URL.

Each gets the same calls, the same upstream and the same core. What it does besides passing calls on is its least.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from contestants import CLIENT_KEY
from processes import TESTED_CORE, Tested, free_port, running, wait_ready

START_S = 90.0
LITELLM_CONFIG = """\
model_list:
  - model_name: gpt-4o-mini
    litellm_params: {{model: openai/gpt-4o-mini, api_base: "http://127.0.0.1:{upstream}/v1", api_key: sk-benchmark}}
litellm_settings: {{telemetry: false}}
general_settings: {{master_key: {key}}}
"""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A gateway that somebody else runs: its CPU time cannot be seen."""

    port: int
    headers: tuple[str, ...] = ()

    def cpu_ns(self) -> int:
        return 0


@dataclass(frozen=True, slots=True)
class Peer:
    """`program` starts it, or `url` says where it runs."""

    name: str
    switched_on: str
    program: str | None = None
    url: str | None = None


def find_peers(litellm: str | None, portkey: str | None, urls: Sequence[str]) -> list[Peer]:
    """Those that are there. `urls` are NAME=URL. Raises ValueError for one that is not on this machine's loopback."""
    peers = []
    program = litellm or shutil.which("litellm")
    if program:
        peers.append(Peer("litellm", "LiteLLM proxy, one worker, a master key; no database, no callback", program))
    program = portkey or shutil.which("portkey-gateway")
    if program:
        peers.append(Peer("portkey", "Portkey gateway; nothing but headers that name the provider", program))
    return peers + [_at_url(given) for given in urls]


def _at_url(given: str) -> Peer:
    name, _, url = given.partition("=")
    if urlsplit(url).hostname not in {"127.0.0.1", "localhost"} or urlsplit(url).port is None:
        raise ValueError(f"{given!r}: expected NAME=http://127.0.0.1:PORT; nobody else's machine is loaded")
    return Peer(name, f"whatever runs at {url}", url=url)


@contextmanager
def open_peer(peer: Peer, upstream: int, folder: Path) -> Iterator[Tested]:
    """A running peer in front of the upstream."""
    if peer.url is not None:
        yield Elsewhere(urlsplit(peer.url).port or 80)
        return
    port = free_port()
    command, path, headers = _how(peer, port, upstream, folder)
    log = folder / f"{peer.name}.log"
    with running(command, core=TESTED_CORE, port=port, log=log, headers=headers) as process:
        wait_ready(process, path, timeout_s=START_S, every_s=0.1)
        yield process


def _how(peer: Peer, port: int, upstream: int, folder: Path) -> tuple[list[str], str, tuple[str, ...]]:
    """The command, a path that answers 200 once it serves, and the headers of calls."""
    program = peer.program
    assert program is not None
    if peer.name == "litellm":
        config = folder / "litellm.yaml"
        config.write_text(LITELLM_CONFIG.format(upstream=upstream, key=CLIENT_KEY))
        options = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
        return [program, *options], "/health/liveliness", (f"Authorization: Bearer {CLIENT_KEY}",)
    headers = (
        "Authorization: Bearer sk-benchmark",
        "x-portkey-provider: openai",
        f"x-portkey-custom-host: http://127.0.0.1:{upstream}/v1",
    )
    return ["node", program, f"--port={port}", "--headless"], "/", headers
