"""What is measured: nginx as the yardstick, and the gateway with one pack or another."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import LOAD_CORE, ROOT, TESTED_CORE, Running, free_port, python, running, wait_ready

HERE = Path(__file__).parent
ANSWER = {
    "id": "chatcmpl-D0q8CZXN1uEzngZGkU7FuV92lnXWq",
    "object": "chat.completion",
    "created": 1769092764,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "The team agreed on the new schedule, moved the review, and wants a shorter report.",
                "refusal": None,
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 220, "completion_tokens": 21, "total_tokens": 241},
}


CLIENT_KEY = "bench-client-key-0123456789"


@dataclass(frozen=True, slots=True)
class Contestant:
    """`pack` names a file of packs/; None is nginx. `switched_on` is what it does besides passing calls on."""

    name: str
    pack: str | None
    switched_on: str
    token: str | None = None


NGINX = Contestant("nginx", None, "proxy_pass with keep-alive on both sides; no log")
GATEWAY = Contestant("gateway", "empty", "no policy; every call decoded, its open record and its event on disk")
GATEWAY_PII = Contestant("gateway-pii", "pii", "pii-detector on calls and answers, audit-logger, events on disk")
GATEWAY_FULL = Contestant(
    "gateway-full",
    "full",
    "client key, prompt-injection, pii-detector, spend-limit with prices, audit-logger, events on disk",
    CLIENT_KEY,
)


@contextmanager
def open_contestant(
    contestant: Contestant, upstream: int, folder: Path, *, buffering: bool = True
) -> Iterator[Running]:
    """Start it in front of the upstream's port and wait until it serves."""
    if contestant.pack is None:
        opened = open_nginx(
            "proxy", folder, core=TESTED_CORE, upstream=upstream, buffering="on" if buffering else "off"
        )
    else:
        pack = write_pack(contestant.pack, upstream, folder)
        opened = open_gateway(pack, folder / contestant.name, token=contestant.token)
    with opened as process:
        yield process


@contextmanager
def open_gateway(pack: Path, state: Path, *, token: str | None = None) -> Iterator[Running]:
    port = free_port()
    secrets = {"BENCH_PROVIDER_KEY": "sk-benchmark"} | ({"KEEPTRUSTS_GATEWAY_TOKEN": token} if token else {})
    state.mkdir(exist_ok=True)
    with running(
        gateway_command(port, pack, state),
        core=TESTED_CORE,
        port=port,
        log=state.with_suffix(".log"),
        environment=secrets,
        headers=(f"Authorization: Bearer {token}",) if token else (),
    ) as process:
        wait_ready(process, "/readyz")
        yield process


def gateway_command(port: int, pack: Path, state: Path) -> list[str]:
    kt = ["-m", "keeptrusts", "gateway", "run"]
    return python(*kt, "--listen", f"127.0.0.1:{port}", "--policy-config", str(pack), "--state-dir", str(state))


def write_pack(name: str, upstream: int, folder: Path) -> Path:
    pack = folder / f"{name}.yaml"
    pack.write_text((HERE / "packs" / f"{name}.yaml").read_text().format(upstream=upstream))
    return pack


@contextmanager
def open_nginx(name: str, folder: Path, *, core: int, **values: object) -> Iterator[Running]:
    port = free_port()
    config = folder / f"{name}-{port}.conf"
    template = (HERE / "nginx" / f"{name}.conf").read_text()
    config.write_text(template.format(folder=folder, port=port, answer=json.dumps(ANSWER), **values))
    with running(["nginx", "-c", str(config)], core=core, port=port, log=folder / f"{name}-{port}.log") as process:
        wait_ready(process, "/readyz")
        yield process


@contextmanager
def open_instant_upstream(folder: Path) -> Iterator[int]:
    """The port of a provider that answers at once."""
    with open_nginx("upstream", folder, core=LOAD_CORE) as process:
        yield process.port


@contextmanager
def open_streaming_upstream(folder: Path, *, chunks: int, every_s: float, held: bool = False) -> Iterator[int]:
    """The port of a provider that streams at a pace; `held` streams wait behind their first event for a release."""
    port = free_port()
    script = str(ROOT / "tests" / "fakes" / "upstream.py")
    options = ["--port", str(port), "--chunks", str(chunks), "--every-s", str(every_s), *(["--held"] if held else [])]
    with running([sys.executable, script, *options], core=LOAD_CORE, port=port, log=folder / "stream.log") as process:
        wait_ready(process, "/_calls")
        yield process.port


@contextmanager
def open_all(contestants: tuple[Contestant, ...], upstream: int, folder: Path) -> Iterator[dict[str, Running]]:
    """All of them at once, to be measured in turn; the idle ones cost next to nothing."""
    with ExitStack() as stack:
        yield {one.name: stack.enter_context(open_contestant(one, upstream, folder)) for one in contestants}
