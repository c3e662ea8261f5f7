"""Reloads change what comes next and nothing that is under way: no stream is dropped, none is judged by two packs."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from fakes.clients import Answer, chat, connect, streamed_text
from fakes.processes import Process, free_port, open_gateway, open_upstream_process

STREAMS = 500
CALLERS = 8
CHUNKS = 10
EVERY_S = 0.2
CALL_EVERY_S = 0.01
RELOAD_EVERY_S = 0.1

# The address is cut by the pieces, so the filter of the answer holds text back across reloads.
WORDS = ("so write to ann.sm", "ith@example", ".com today", " or later, ", "and ")
WHOLE = "so write to {marker} today or later, and " * (CHUNKS // len(WORDS))
PROMPT = "Ask bob.jones@example.org: "
ECHO = "Ask {marker}: "

PACK = """
pack: {{name: reload, version: 1.0.{number}}}
policies: {{chain: [pii-detector]}}
policy:
  pii-detector: {{redaction: {{custom_markers: {{email: "<redacted by {number}>"}}}}}}
providers:
  targets:
    - id: upstream
      provider: openai
      model: "*"
      base_url: http://127.0.0.1:{upstream}
      secret_key_ref: {{env: TEST_PROVIDER_KEY}}
limits: {{max_in_flight: 5000}}
"""


@pytest.fixture
def anyio_backend():
    return ("asyncio", {"use_uvloop": True})


class Load:
    """Streams and calls without pause until told to end; remembers which pack served each, and what was wrong."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.is_over = False
        self.served = Counter()
        self.wrong = []

    async def run(self, *, stream: bool) -> None:
        connection = await connect(self.port)
        try:
            while not self.is_over:
                self.check(await connection.ask(chat(PROMPT, stream=stream)), stream=stream)
                await asyncio.sleep(0 if stream else CALL_EVERY_S)
        finally:
            connection.close()

    def check(self, answer: Answer, *, stream: bool) -> None:
        config = answer.headers.get("x-keeptrusts-config", "none")
        marker = f"<redacted by {config.rpartition('.')[2]}>"
        expected = (ECHO + WHOLE).format(marker=marker)
        is_right = streamed_text(answer.body) == expected if stream else expected.encode() in answer.body
        is_whole = answer.ended_cleanly if stream else answer.is_complete
        self.served[config] += 1
        if answer.status != 200 or not is_whole or not is_right:
            self.wrong.append((answer.status, config, answer.is_complete, answer.body[-600:]))


def write_pack(path: Path, number: int, upstream: int) -> None:
    """Replace the file in one step, as a mounted ConfigMap does."""
    new = path.with_suffix(".new")
    new.write_text(PACK.format(number=number, upstream=upstream))
    new.replace(path)


async def reload_often(gateway: Process, pack: Path, upstream: int, reloads: int) -> None:
    for number in range(1, reloads + 1):
        write_pack(pack, number, upstream)
        gateway.reload()
        await asyncio.sleep(RELOAD_EVERY_S)


@pytest.mark.anyio
@pytest.mark.parametrize("reloads", [30, pytest.param(200, marks=pytest.mark.slow)])
async def test_ten_reloads_a_second_drop_no_stream_and_no_answer_mixes_two_packs(tmp_path, reloads):
    pieces = [option for word in WORDS for option in ("--word", word)]
    pace = ["--chunks", str(CHUNKS), "--every-s", str(EVERY_S), "--echo"]
    async with open_upstream_process(tmp_path, *pace, *pieces) as upstream:
        pack = tmp_path / "pack.yaml"
        write_pack(pack, 0, upstream.port)
        async with open_gateway(pack, tmp_path / "state", free_port()) as gateway:
            load = Load(gateway.port)
            async with asyncio.TaskGroup() as group:
                for turn in range(STREAMS + CALLERS):
                    group.create_task(load.run(stream=turn < STREAMS))
                await reload_often(gateway, pack, upstream.port, reloads)
                load.is_over = True
            assert gateway.process.returncode is None, gateway.tail()
    assert load.wrong == [], (len(load.wrong), load.wrong[:2])
    assert load.served.total() > STREAMS
    assert len(load.served) > reloads / 5, load.served
