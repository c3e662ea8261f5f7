"""No body reads one way for the gateway and another way for the provider: what is ambiguous is refused."""

import json
import random

import pytest

from fakes.replay import Reply
from fakes.worlds import PII, World, open_world

pytestmark = pytest.mark.anyio

MAIL = "bob.canary@example.com"
CALLS = {
    "/v1/chat/completions": {"model": "m", "stream": False, "messages": [
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}]},
    "/v1/responses": {"model": "m", "instructions": "hi", "input": [{"role": "user", "content": "hi"}]},
    "/v1/messages": {"model": "m", "max_tokens": 9, "system": "hi", "messages": [
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "hi"}]}]},
}  # fmt: skip
OTHERS = [f'"{MAIL}"', '"gpt-5-pro"', "[]", "{}", "null", "true", f'[{{"role":"user","content":"{MAIL}"}}]']


def escaped(chance: random.Random, key: str) -> str:
    """A key as JSON, some of its letters in another form."""
    letters = [f"\\u{ord(letter):04x}" if chance.random() < 0.3 else letter for letter in key]
    return '"' + "".join(letters) + '"'


def with_second_member(chance: random.Random, tree: object) -> str:
    """The tree as JSON, in which some objects have one of their members twice."""
    if isinstance(tree, list):
        return "[" + ",".join(with_second_member(chance, item) for item in tree) + "]"
    if not isinstance(tree, dict):
        return json.dumps(tree)
    members = [f"{json.dumps(key)}:{with_second_member(chance, value)}" for key, value in tree.items()]
    if chance.random() < 0.3:
        again = f"{escaped(chance, chance.choice(list(tree)))}:{chance.choice(OTHERS)}"
        members.insert(chance.randint(0, len(members)), again)
    return "{" + ",".join(members) + "}"


def reads_one_way(body: bytes) -> bool:
    """Whether a parser that keeps the first of two equal keys sees what one sees that keeps the last."""
    first = json.loads(body, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    return first == json.loads(body)


@pytest.mark.parametrize("route", list(CALLS))
async def test_a_body_with_two_readings_is_refused_at_every_level(tmp_path, route):
    chance = random.Random(route)
    refused = passed = 0
    async with open_world(tmp_path, Reply(body=b"{}"), chain=PII) as world:
        for _ in range(150):
            body = with_second_member(chance, CALLS[route]).encode()
            before = world.replay.calls
            answer = await world.ask(route, body)
            if world.replay.calls == before:
                refused += 1
                assert answer.status == 400
                assert json.loads(answer.body)["error"]["code"] == "duplicate_key"
                continue
            passed += 1
            sent = world.replay.last.body
            assert reads_one_way(sent)
            assert MAIL not in json.dumps(json.loads(sent))
    assert refused > 20
    assert passed > 10


async def ask_raw(world: World, content: bytes) -> int:
    body = b'{"model":"m","messages":[{"role":"user","content":%b}]}' % content
    return (await world.ask("/v1/chat/completions", body)).status


@pytest.mark.parametrize("content", [
    b'"lone \\ud800 surrogate"',
    b'"raw \x01 control"',
    b"'single quotes'",
    b'"unterminated',
    b"NaN",
    b"/* comment */ 1",
    b'"trailing",',
    b"+1",
    b"01",
    b"\xff",
    b'"overlong \xc0\xaf"',
    b'"cesu \xed\xa0\x80"',
])  # fmt: skip
async def test_what_some_parsers_take_and_others_do_not_is_refused(tmp_path, content):
    async with open_world(tmp_path, Reply(body=b"{}"), chain=PII) as world:
        assert await ask_raw(world, content) == 400
        assert world.replay.calls == 0


@pytest.mark.parametrize("tail", [b"{}", b" x", b"\x00", b'{"model":"n"}', b"\n{}"])
async def test_nothing_may_follow_the_body(tmp_path, tail):
    body = json.dumps(CALLS["/v1/messages"]).encode()
    async with open_world(tmp_path, Reply(body=b"{}"), chain=PII) as world:
        assert (await world.ask("/v1/messages", body + tail)).status == 400
        assert (await world.ask("/v1/messages", b"\n " + body + b" \r\n\t")).status == 200
        assert world.replay.calls == 1
