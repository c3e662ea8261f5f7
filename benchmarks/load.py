"""Load by wrk: closed loop at full speed, or many thinking connections at a chosen rate."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from processes import LOAD_CORE, Tested, child_environment, pinned

SCRIPT = Path(__file__).with_name("wrk") / "chat.lua"
SENTENCE = (
    "Please summarise the notes of 12 March 2026 (11 people, 90 minutes, ticket 48213, budget 1,250.00 EUR) for a "
    "colleague who could not come: three short points, no names, and what @design still owes us for release 2.14.3. "
)
"""Looks at every turn like something to redact, and is not."""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw, and the share of its core that the tested process used meanwhile."""

    requests: int
    duration_us: int
    status_errors: int
    socket_errors: int
    p50_us: int
    p99_us: int
    max_us: int
    tested_cpu: float

    @property
    def rate(self) -> float:
        return self.requests * 1e6 / self.duration_us

    @property
    def call_cpu_us(self) -> float:
        """CPU microseconds per call: hardly moves when others want the core too, as the rate does."""
        return self.tested_cpu * self.duration_us / self.requests

    @property
    def errors(self) -> int:
        return self.status_errors + self.socket_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How to load. `think_ms`: mean pause of each connection between two calls; None: none."""

    body: Path
    connections: int = 64
    seconds: int = 3
    think_ms: float | None = None
    variables: dict[str, str] = field(default_factory=dict)


def chat_body(extra: str = "", *, size: int = 1024) -> bytes:
    """A chat call of `size` bytes, written as the SDKs write it; `extra` stands in its user message."""

    def encode(text: str) -> bytes:
        messages = [{"role": "system", "content": "You are a careful assistant."}, {"role": "user", "content": text}]
        return json.dumps({"model": "gpt-4o-mini", "messages": messages}, separators=(",", ":")).encode()

    room = size - len(encode(extra))
    return encode(extra + (SENTENCE * (room // len(SENTENCE) + 1))[:room])


def apply_load(tested: Tested, shape: Shape) -> Load:
    """Run wrk on the load core. Raises CalledProcessError if it cannot connect."""
    variables = shape.variables | {"BODY_FILE": str(shape.body), "HEADERS": "\n".join(tested.headers)}
    if shape.think_ms is not None:
        variables["THINK_MS"] = f"{shape.think_ms:.4f}"
    command = ["wrk", "-t1", f"-c{shape.connections}", f"-d{shape.seconds}s", "--timeout", "5s", "-s", str(SCRIPT)]
    cpu_before = tested.cpu_ns()
    done = subprocess.run(
        pinned(LOAD_CORE, [*command, f"http://127.0.0.1:{tested.port}"]),
        env=child_environment(variables),
        capture_output=True,
        text=True,
        check=True,
    )
    cpu_ns = tested.cpu_ns() - cpu_before
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    found = json.loads(line.removeprefix("RESULT "))
    return Load(**found, tested_cpu=cpu_ns / (found["duration_us"] * 1000))
