"""A pack that changes while calls run, a broken one, and the end of a gateway."""

import asyncio
import json

import pytest

from fakes.clients import connect, post
from fakes.replay import Reply, stream
from fakes.worlds import PII, World, open_world, pack_for, until
from keeptrusts.config.problems import InvalidPack
from keeptrusts.gateway.main import open_gateway
from keeptrusts.gateway.settings import Address, Settings
from keeptrusts.gateway.sources.file import FileSource

pytestmark = pytest.mark.anyio

TOKEN = "a-token-of-the-operator"
ANSWER = Reply(body=b'{"id":"c","object":"chat.completion","choices":[]}')
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Mail bob@example.com"}]}
BROKEN = b"pack: {name: blue, version: 2.0.0}\npolicies: {chain: [no-such-policy]}\nproviders: {targets: []}\n"


@pytest.fixture(autouse=True)
def look_often(monkeypatch):
    monkeypatch.setitem(FileSource.__init__.__kwdefaults__, "look_every_s", 0.02)


async def config_of(world: World) -> str:
    return (await world.ask("/v1/chat/completions", CHAT)).headers["x-keeptrusts-config"]


async def becomes(world: World, label: str) -> None:
    async with asyncio.timeout(5):
        while await config_of(world) != label:  # noqa: ASYNC110 - only asking tells
            await asyncio.sleep(0.01)


async def test_a_changed_file_is_served_without_a_restart(tmp_path):
    async with open_world(tmp_path, ANSWER) as world:
        assert await config_of(world) == "blue@1.0.0"
        assert b"bob@example.com" in world.replay.last.body
        world.pack.write_bytes(pack_for(world.replay.port, chain=PII, version="2.0.0"))
        await becomes(world, "blue@2.0.0")
        await world.ask("/v1/chat/completions", CHAT)
        assert b"bob@example.com" not in world.replay.last.body


async def test_a_swapped_link_is_seen_as_a_mounted_configmap_swaps_it(tmp_path):
    async with open_world(tmp_path, ANSWER) as world:
        for number in (2, 3):
            version = tmp_path / f"..v{number}"
            version.mkdir()
            (version / "pack.yaml").write_bytes(pack_for(world.replay.port, version=f"{number}.0.0"))
            link = tmp_path / "..data.new"
            link.symlink_to(version)
            link.rename(tmp_path / "..data")
            if number == 2:
                world.pack.unlink()
                world.pack.symlink_to("..data/pack.yaml")
            await becomes(world, f"blue@{number}.0.0")


async def test_an_admin_call_applies_at_once_and_says_what(tmp_path, monkeypatch):
    monkeypatch.setitem(FileSource.__init__.__kwdefaults__, "look_every_s", 60)
    async with open_world(tmp_path, ANSWER, token=TOKEN) as world:
        world.pack.write_bytes(pack_for(world.replay.port, version="2.0.0"))
        answer = await world.ask("/keeptrusts/config/reload")
        told = json.loads(answer.body)
        assert (answer.status, told["applied"], told["config"]) == (200, True, "blue@2.0.0")
        assert await config_of(world) == "blue@2.0.0"
        assert told["digest"] == (await world.health())["config"]["digest"]


async def test_an_admin_call_tells_every_problem_of_a_broken_pack(tmp_path):
    async with open_world(tmp_path, ANSWER, token=TOKEN) as world:
        world.pack.write_bytes(BROKEN)
        answer = await world.ask("/keeptrusts/config/reload")
        told = json.loads(answer.body)
        assert (answer.status, told["applied"]) == (422, False)
        assert {problem["code"] for problem in told["problems"]} >= {"E001"}
        assert all(problem["path"] and problem["message"] for problem in told["problems"])
        assert await config_of(world) == "blue@1.0.0"


async def test_a_broken_file_changes_nothing_and_shows_until_it_is_mended(tmp_path):
    async with open_world(tmp_path, ANSWER) as world:
        world.pack.write_bytes(BROKEN)
        async with asyncio.timeout(5):
            while (await world.health())["status"] == "healthy":  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        health = await world.health()
        assert (health["status"], health["config"]["pack_version"]) == ("degraded", "1.0.0")
        assert "no-such-policy" in str(health["config"]["rejected"])
        assert await config_of(world) == "blue@1.0.0"
        world.pack.write_bytes(pack_for(world.replay.port, version="3.0.0"))
        await becomes(world, "blue@3.0.0")
        assert (await world.health())["status"] == "healthy"


async def test_a_file_that_is_gone_changes_nothing(tmp_path):
    async with open_world(tmp_path, ANSWER) as world:
        world.pack.unlink()
        await asyncio.sleep(0.1)
        assert await config_of(world) == "blue@1.0.0"
        world.pack.write_bytes(pack_for(world.replay.port, version="3.0.0"))
        await becomes(world, "blue@3.0.0")


async def test_a_new_version_whose_secret_is_missing_is_refused_while_one_runs(tmp_path):
    async with open_world(tmp_path, ANSWER, token=TOKEN) as world:
        text = pack_for(world.replay.port, version="2.0.0").replace(b"UPSTREAM_KEY", b"NOT_SET")
        world.pack.write_bytes(text)
        answer = await world.ask("/keeptrusts/config/reload")
        assert answer.status == 422
        assert {problem["code"] for problem in json.loads(answer.body)["problems"]} == {"secret_missing"}
        assert await config_of(world) == "blue@1.0.0"


async def test_a_disabled_pack_serves_nobody_and_says_so(tmp_path):
    async with open_world(tmp_path, ANSWER, enabled=False) as world:
        answer = await world.ask("/v1/chat/completions", CHAT)
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (503, "pack_disabled")
        assert answer.headers["x-should-retry"] == "false"
        assert world.replay.calls == 0


async def test_a_stream_under_way_is_finished_by_the_pack_that_it_began_with(tmp_path):
    chunk = b'data: {"choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":%b}]}\n\n'
    rest = chunk % (b" at bob@example.com.", b'"stop"') + b"data: [DONE]\n\n"
    reply = Reply(pieces=[chunk % (b"Ask", b"null"), 0.3, rest], content_type="text/event-stream")
    async with open_world(tmp_path, reply, ANSWER, chain=PII) as world:
        asking = asyncio.ensure_future(world.ask("/v1/chat/completions", CHAT | {"stream": True}))  # noqa: TID251
        await until(lambda: world.replay.calls)
        world.pack.write_bytes(pack_for(world.replay.port, version="2.0.0"))
        await world.gateway.source.reload()
        assert await config_of(world) == "blue@2.0.0"
        assert not asking.done()
        answer = await asking
        assert answer.headers["x-keeptrusts-config"] == "blue@1.0.0"
        assert answer.ended_cleanly
        assert b"bob@example.com" not in answer.body
        assert {event.pack_version for event in world.events() if event.stream} == {"1.0.0"}


# The start.


def settings_for(tmp_path, pack) -> Settings:
    environment = {"UPSTREAM_KEY": "sk-x"}
    return Settings(
        policy_config=pack, state_root=tmp_path / "state", listen=Address("127.0.0.1", 0), environment=environment
    )


async def test_the_last_good_pack_is_served_where_the_file_is_broken_at_the_start(tmp_path):
    async with open_world(tmp_path, ANSWER) as world:
        port = world.replay.port
    pack = tmp_path / "pack.yaml"
    pack.write_bytes(BROKEN)
    async with open_gateway(settings_for(tmp_path, pack)) as gateway:
        again = World(world.replay, gateway, tmp_path / "state", pack, None)
        health = await again.health()
        assert (health["status"], health["config"]["source"]) == ("degraded", "last_good")
        assert (health["config"]["name"], health["config"]["pack_version"]) == ("blue", "1.0.0")
        assert "no-such-policy" in str(health["config"]["rejected"])
        pack.write_bytes(pack_for(port, version="2.0.0"))
        async with asyncio.timeout(5):
            while (await again.health())["config"]["pack_version"] != "2.0.0":  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        assert (await again.health())["config"]["source"] == "file"


async def test_without_a_last_good_pack_a_broken_file_is_told_whole(tmp_path):
    pack = tmp_path / "pack.yaml"
    pack.write_bytes(BROKEN)
    with pytest.raises(InvalidPack) as raised:
        async with open_gateway(settings_for(tmp_path, pack)):
            pass
    assert len(raised.value.problems) > 1


# The end.


async def test_a_drain_lets_a_stream_end_and_takes_no_new_calls(tmp_path):
    chunk = b'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    reply = Reply(pieces=[chunk[:9], 0.3, chunk[9:]], content_type="text/event-stream")
    async with open_world(tmp_path, reply) as world:
        asking = asyncio.ensure_future(world.ask("/v1/chat/completions", CHAT | {"stream": True}))  # noqa: TID251
        idle = await connect(world.port)
        await until(lambda: world.replay.calls)
        draining = asyncio.ensure_future(world.gateway.drain())  # noqa: TID251
        await asyncio.sleep(0.05)
        with pytest.raises(ConnectionError):
            await connect(world.port)
        assert (await idle.ask(post("/v1/chat/completions", json.dumps(CHAT).encode()))).status in {0, 503}
        answer = await asking
        await draining
        assert answer.ended_cleanly
        assert (await world.event()).error_code is None


async def test_a_drain_cuts_what_outlasts_its_grace_and_records_it(tmp_path):
    chunk = b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
    async with open_world(tmp_path, stream(chunk, ending="hang"), settings={"grace_s": 0.1}) as world:
        asking = asyncio.ensure_future(world.ask("/v1/chat/completions", CHAT | {"stream": True}))  # noqa: TID251
        await until(lambda: world.replay.calls)
        await asyncio.sleep(0.05)
        await world.gateway.drain()
        answer = await asking
        assert not answer.ended_cleanly
        assert (await world.event()).error_code == "interrupted"
