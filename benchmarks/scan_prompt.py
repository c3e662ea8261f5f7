"""Judge one prompt of 100 KB many times with the gateway's own driver, and print the milliseconds of each time.

A script of its own, so that it can be pinned to a core as the gateway is.
"""

import argparse
import asyncio
import json
import time
from pathlib import Path

from keeptrusts.contract.call import Text
from keeptrusts.gateway.judging import Judge
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.snapshot import SnapshotMaker
from keeptrusts.runtime.clock import SystemClock
from load import SENTENCE

PROMPT_BYTES = 100_000
WARM_UP = 20


def prompt(findings: int) -> str:
    """100 KB of sentences with `findings` addresses spread over them."""
    text = SENTENCE * (PROMPT_BYTES // len(SENTENCE) + 1)
    step = PROMPT_BYTES // (findings + 1)
    parts = [text[index * step : (index + 1) * step] for index in range(findings + 1)]
    return " ann.smith@example.com ".join(parts)[:PROMPT_BYTES]


def input_judge(pack: bytes) -> Judge:
    """The judge of calls, as a gateway makes it of this pack."""
    maker = SnapshotMaker(secrets=Secrets({}, None), fail_mode="block", gateway_name=None, instance_id="benchmark")
    return maker.make(pack, source="file", applied_at=SystemClock().now(), counters={}).input


async def judge_often(pack: bytes, findings: int, times: int) -> list[float]:
    """Milliseconds of each time. Raises ValueError if the chain does not find what it should."""
    judge = input_judge(pack)
    texts = (Text(("messages", 0, "content"), prompt(findings)),)
    samples = []
    for _ in range(times + WARM_UP):
        tallies = judge.tallies()
        began = time.perf_counter()
        changes = await judge.judge(texts, tallies)
        samples.append((time.perf_counter() - began) * 1000)
        if bool(changes) != bool(findings):
            raise ValueError(f"{findings} addresses in the prompt, {len(changes)} texts changed")
    return samples[WARM_UP:]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--findings", type=int, default=0)
    parser.add_argument("--times", type=int, default=200)
    given = parser.parse_args()
    print(json.dumps(asyncio.run(judge_often(given.pack.read_bytes(), given.findings, given.times))))
