"""Small bodies that would be large ones, against a server in a process of its own, whose memory is watched."""

import asyncio
import gzip
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import zstandard

from fakes.wire import answers_in, converse

SERVER = """
import asyncio
from fakes.wire import Recorder
from keeptrusts.gateway.http.server import open_server

async def main():
    async with open_server(Recorder(max_body=33554432)) as server:
        print(server.port, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
SIZE = 200_000_000
TESTS = Path(__file__).resolve().parents[1]
PYTHONPATH = f"{TESTS.parent / 'src'}:{TESTS}"


def deflate(data: bytes) -> bytes:
    return zlib.compress(data, 9)


BOMBS = {
    b"gzip": gzip.compress(bytes(SIZE)),
    b"deflate": deflate(bytes(SIZE)),
    b"zstd": zstandard.ZstdCompressor(level=19, write_content_size=False).compress(bytes(SIZE)),
}


def most_memory(pid: int) -> int:
    """Bytes that the process has held at most."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) * 1024


@pytest.mark.anyio
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
async def test_a_bomb_is_413_and_costs_little_memory():
    process = subprocess.Popen(  # noqa: ASYNC220 - it only starts here
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": PYTHONPATH}
    )
    try:
        assert process.stdout is not None
        port = int(await asyncio.to_thread(process.stdout.readline))
        head = b"POST / HTTP/1.0\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n"
        small = gzip.compress(b"hello")
        assert answers_in(await converse(port, head % (b"gzip", len(small)) + small)) == [200]
        before = most_memory(process.pid)
        for encoding, bomb in BOMBS.items():
            assert len(bomb) < 300_000
            assert answers_in(await converse(port, head % (encoding, len(bomb)) + bomb)) == [413]
        assert most_memory(process.pid) - before < 40_000_000
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
