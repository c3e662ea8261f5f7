"""A team's gateway as a process, from the commands that an operator types, up to a provider reached over TLS."""

import asyncio
import json
import os
import shutil
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trustme
from openai import AsyncOpenAI, BadRequestError, DefaultAsyncHttpxClient

from fakes.clients import connect, get, post
from fakes.processes import free_port
from fakes.replay import Replay, Reply, open_replay, stream
from keeptrusts.contract.keys import checksum_of

pytestmark = pytest.mark.anyio

READY_S = 20.0
BARE_KEY = "kt_gk_r0123456789A_" + "s" * 43
KEY = BARE_KEY + checksum_of(BARE_KEY)
PROVIDER_KEY = "sk-of-team-alpha"

PACK = """\
# team-alpha/policy-config.yaml
pack:
  name: team-alpha-prod
  version: 0.1.0
  enabled: true
  description: "Team Alpha production gateway"
policies:
  chain:
    - pii-detector
    - audit-logger
policy:
  pii-detector:
    action: redact
  audit-logger:
    retention_days: 365
providers:
  targets:
    - id: openai-primary
      provider: openai
      model: gpt-4o-mini
      base_url: https://api.openai.com
      secret_key_ref:
        env: TEAM_ALPHA_OPENAI_KEY
"""

START = """\
export KEEPTRUSTS_API_URL="https://keeptrusts-api.internal:8080"
export KEEPTRUSTS_GATEWAY_TOKEN="$TEAM_ALPHA_GATEWAY_KEY"
exec kt gateway run \\
--listen 0.0.0.0:41002 \\
--policy-config team-alpha/policy-config.yaml
"""

PROBE = """\
#!/usr/bin/env bash
set -euo pipefail
GATEWAYS=("gateway-alpha:41002" "gateway-beta:41003")
for gw in "${GATEWAYS[@]}"; do
status=$(curl -sf "http://${gw}/health" | jq -r '.status' 2>/dev/null || echo "unreachable")
echo "${gw}: ${status}"
done
"""

ANSWER = Reply(
    body=b'{"id":"c","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,'
    b'"finish_reason":"stop","message":{"role":"assistant","content":"I wrote to jane@example.org."}}],'
    b'"usage":{"prompt_tokens":9,"completion_tokens":6,"total_tokens":15}}'
)
HELLO = [{"role": "user", "content": "Mail bob@example.com, please."}]


@asynccontextmanager
async def open_tunnel_proxy(port: int) -> AsyncIterator[tuple[int, list[bytes]]]:
    """An HTTP proxy that leads every CONNECT to one port of this machine; what was asked of it."""
    asked: list[bytes] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        async with asyncio.TaskGroup() as group:
            group.create_task(pump(reader, inner_writer))
            group.create_task(pump(inner_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], asked
    finally:
        server.close()


@asynccontextmanager
async def open_openai(folder: Path, *replies: Reply) -> AsyncIterator[tuple[Replay, dict[str, str], list[bytes]]]:
    """api.openai.com for one process: a TLS server, the variables that lead there, what the proxy was asked."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("api.openai.com").configure_cert(tls)
    async with open_replay(*replies, tls=tls) as replay, open_tunnel_proxy(replay.port) as (port, asked):
        variables = {"HTTPS_PROXY": f"http://127.0.0.1:{port}", "KEEPTRUSTS_CA_FILE": str(folder / "ca.pem")}
        yield replay, variables, asked


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """What an operator's shell has, and nothing of the one that runs the tests."""
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # noqa: TID251 - a child's environment
    return {"PATH": programs, "HOME": str(folder), "TEAM_ALPHA_GATEWAY_KEY": KEY} | variables


@asynccontextmanager
async def running(folder: Path, script: str, port: int, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A shell script that ends as the gateway, run in a folder, until the gateway is ready."""
    with (folder / "gateway.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "bash", "-euc", script, cwd=folder, stdout=log, stderr=log, env=environment(folder, **variables)
        )
    try:
        async with asyncio.timeout(READY_S):
            while not await is_ready(port):
                assert process.returncode is None, (folder / "gateway.log").read_text()
                await asyncio.sleep(0.02)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def is_ready(port: int) -> bool:
    try:
        connection = await connect(port)
    except OSError:
        return False
    answer = await connection.ask(get("/readyz"))
    connection.close()
    return answer.status == 200


def write_pack(folder: Path, text: str = PACK) -> Path:
    path = folder / "team-alpha" / "policy-config.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


async def test_the_documented_pack_and_command_serve_a_team_as_they_stand(tmp_path):
    write_pack(tmp_path)
    port = free_port()
    script = START.replace("41002", str(port))
    async with (
        open_openai(tmp_path, ANSWER) as (replay, variables, asked),
        running(tmp_path, script, port, TEAM_ALPHA_OPENAI_KEY=PROVIDER_KEY, **variables) as process,
    ):
        async with AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY) as sdk:
            answer = await sdk.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
        assert answer.choices[0].message.content == "I wrote to [EMAIL]."
        sent = replay.last
        assert asked == [b"CONNECT api.openai.com:443 HTTP/1.1"]
        assert (sent.target, sent.header("host")) == ("/v1/chat/completions", "api.openai.com")
        assert sent.header("authorization") == f"Bearer {PROVIDER_KEY}"
        assert json.loads(sent.body)["messages"][0]["content"] == "Mail [EMAIL], please."
        shown = await kt(tmp_path, "events", "tail", "--json")
        process.terminate()
        assert await process.wait() == 0
    event = json.loads(shown.splitlines()[-1])
    assert (event["decision"], event["gateway_name"], event["pack_version"]) == ("redact", "team-alpha-prod", "0.1.0")
    assert event["key_id"] == "gk_r0123456789A"
    assert event["target_id"] == "openai-primary"
    log = (tmp_path / "gateway.log").read_text()
    assert "KEEPTRUSTS_API_URL" in log
    for secret in (KEY, PROVIDER_KEY, "bob@example.com", "jane@example.org"):
        assert secret not in log
        assert secret not in shown


async def kt(folder: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "kt", *arguments, cwd=folder, stdout=asyncio.subprocess.PIPE, env=environment(folder)
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="the script uses curl and jq")
async def test_the_documented_probe_tells_who_is_healthy_and_who_is_not_there(tmp_path):
    write_pack(tmp_path)
    port, nobody = free_port(), free_port()
    script = PROBE.replace("gateway-alpha:41002", f"127.0.0.1:{port}").replace(
        "gateway-beta:41003", f"127.0.0.1:{nobody}"
    )
    start = START.replace("41002", str(port))
    async with running(tmp_path, start, port, TEAM_ALPHA_OPENAI_KEY=PROVIDER_KEY):
        probe = await asyncio.create_subprocess_exec(
            "bash", "-c", script, stdout=asyncio.subprocess.PIPE, env=environment(tmp_path)
        )
        out, _ = await probe.communicate()
    assert probe.returncode == 0
    assert out.decode().splitlines() == [f"127.0.0.1:{port}: healthy", f"127.0.0.1:{nobody}: unreachable"]


async def test_signals_reload_and_end_a_gateway_without_breaking_a_stream(tmp_path):
    chunk = b'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    slow = Reply(pieces=[chunk[:20], 0.5, chunk[20:]], content_type="text/event-stream")
    pack = write_pack(tmp_path)
    port = free_port()
    async with (
        open_openai(tmp_path, slow) as (replay, variables, _),
        running(
            tmp_path, START.replace("41002", str(port)), port, TEAM_ALPHA_OPENAI_KEY=PROVIDER_KEY, **variables
        ) as process,
    ):
        pack.write_text(PACK.replace("0.1.0", "0.2.0"))
        process.send_signal(signal.SIGHUP)
        connection = await connect(port)
        async with asyncio.timeout(5):
            while "0.2.0" not in (await connection.ask(get("/health"))).body.decode():  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
        call = {"model": "gpt-4o-mini", "messages": HELLO, "stream": True}
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(
                connection.ask(post("/v1/chat/completions", json.dumps(call).encode(), token=KEY))
            )
            while not replay.calls:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            process.terminate()
        assert asking.result().ended_cleanly
        assert asking.result().headers["x-keeptrusts-config"] == "team-alpha-prod@0.2.0"
        assert await process.wait() == 0


async def test_a_broken_pack_is_told_whole_and_nothing_starts(tmp_path):
    write_pack(tmp_path, PACK.replace("action: redact", "action: erase").replace("retention_days", "retention"))
    process = await asyncio.create_subprocess_exec(
        "bash", "-euc", START, cwd=tmp_path, stderr=asyncio.subprocess.PIPE, env=environment(tmp_path)
    )
    _, err = await process.communicate()
    assert process.returncode == 2
    told = err.decode()
    assert "team-alpha/policy-config.yaml:" in told
    assert "erase" in told
    assert "retention" in told
    assert "Traceback" not in told


async def test_the_same_gateway_blocks_where_its_pack_says_so(tmp_path):
    write_pack(tmp_path, PACK.replace("action: redact", "action: block"))
    port = free_port()
    async with (
        open_openai(tmp_path, stream(b"")) as (replay, variables, _),
        running(tmp_path, START.replace("41002", str(port)), port, TEAM_ALPHA_OPENAI_KEY=PROVIDER_KEY, **variables),
        AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY) as sdk,
    ):
        with pytest.raises(BadRequestError) as raised:
            await sdk.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
        assert raised.value.code == "input_blocked"
        assert replay.calls == 0


async def test_a_gateway_serves_tls_and_prints_its_events(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "edge-ca.pem")
    edge = authority.issue_cert("localhost", "127.0.0.1")
    edge.private_key_pem.write_to_path(tmp_path / "edge.key")
    for blob in edge.cert_chain_pems:
        blob.write_to_path(tmp_path / "edge.pem", append=True)
    write_pack(tmp_path)
    port = free_port()
    command = (
        f"exec kt gateway run --listen 127.0.0.1:{port} --policy-config team-alpha/policy-config.yaml --events-stdout"
    )
    tls = {"TEAM_ALPHA_OPENAI_KEY": PROVIDER_KEY, "KEEPTRUSTS_GATEWAY_TOKEN": KEY}
    async with open_openai(tmp_path, ANSWER) as (_, variables, _):
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euc", f"{command} --tls-cert edge.pem --tls-key edge.key"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            env=environment(tmp_path, **tls, **variables),
        )
        trust = ssl.create_default_context(cafile=tmp_path / "edge-ca.pem")
        http = DefaultAsyncHttpxClient(verify=trust)
        async with AsyncOpenAI(
            base_url=f"https://localhost:{port}/v1", api_key=KEY, http_client=http, max_retries=5
        ) as sdk:
            answer = await sdk.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
        process.terminate()
        out, _ = await process.communicate()
    assert answer.choices[0].message.content == "I wrote to [EMAIL]."
    (line,) = out.decode().splitlines()
    event = json.loads(line)
    assert (event["event_type"], event["decision"], event["status"]) == ("decision", "redact", 200)
    assert process.returncode == 0
