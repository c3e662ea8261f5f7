"""What a gateway does when it is full, when it cannot record, and when a part of it fails."""

import asyncio
import json

import anthropic
import openai
import pytest

from fakes.replay import Reply, stream
from fakes.worlds import PII, World, open_world, until
from keeptrusts.policies.pii_detector import PiiDetector
from keeptrusts.runtime.spool import Spool, SpoolFull

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Mail bob@example.com"}]
CHAT = {"model": "m", "messages": HELLO}
MESSAGE = CHAT | {"max_tokens": 9}
ANSWER = Reply(body=b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[]}')
STREAM = stream(b'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')


async def code_and_status(world: World, path: str, body: dict) -> tuple[int, str]:
    answer = await world.ask(path, body)
    return answer.status, json.loads(answer.body)["error"]["code"]


async def test_a_full_gateway_says_so_and_an_sdk_comes_again(tmp_path):
    slow = Reply(body=ANSWER.body, pieces=[0.4, ANSWER.body])
    async with open_world(tmp_path, slow, ANSWER, limits={"max_in_flight": 1}) as world:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(world.ask("/v1/chat/completions", CHAT))
            await until(lambda: world.replay.calls)
            for path in ("/v1/chat/completions", "/v1/messages"):
                answer = await world.ask(path, MESSAGE)
                assert (answer.status, answer.headers["retry-after"]) == (503, "1")
                assert json.loads(answer.body)["error"]["code"] == "overloaded"
                assert "x-should-retry" not in answer.headers
            assert (await world.ask("/health", method="GET")).status == 200
            async with world.openai(max_retries=2) as sdk:
                assert (await sdk.chat.completions.create(**CHAT)).id == "c"
        assert first.result().status == 200
        assert world.replay.calls == 2


@pytest.fixture
def full_spool(monkeypatch):
    """Every record is refused, as by a full disk."""

    def refuse(*arguments, **options):
        raise SpoolFull

    monkeypatch.setattr(Spool, "append_note", refuse)


async def test_an_audited_call_that_cannot_be_recorded_does_not_go_upstream(tmp_path, full_spool):
    async with open_world(tmp_path, ANSWER, chain=PII) as world:
        for path in ("/v1/chat/completions", "/v1/messages"):
            assert await code_and_status(world, path, MESSAGE) == (503, "audit_unavailable")
        assert world.replay.calls == 0
        assert world.gateway.gauges.in_flight == 0


@pytest.fixture
def spool_that_fills(monkeypatch):
    """Calls are opened, and their events refused."""

    def refuse(*arguments, **options):
        raise SpoolFull

    monkeypatch.setattr(Spool, "append", refuse)


async def test_an_audited_answer_whose_event_cannot_be_kept_is_not_given(tmp_path, spool_that_fills):
    async with open_world(tmp_path, ANSWER, chain=PII) as world:
        assert await code_and_status(world, "/v1/chat/completions", CHAT) == (503, "audit_unavailable")


async def test_an_audited_stream_whose_event_cannot_be_kept_has_no_clean_end(tmp_path, spool_that_fills):
    async with open_world(tmp_path, STREAM, chain=PII) as world:
        answer = await world.ask("/v1/chat/completions", CHAT | {"stream": True})
        assert not answer.ended_cleanly
        assert b"[DONE]" not in answer.body
        async with world.openai() as sdk:
            with pytest.raises(openai.APIError):
                _ = [chunk async for chunk in await sdk.chat.completions.create(**CHAT, stream=True)]


@pytest.fixture
def broken_policy(monkeypatch):
    """A policy that fails on every text."""

    def fail(*arguments, **options):
        raise ZeroDivisionError

    monkeypatch.setattr(PiiDetector, "judge", fail)
    monkeypatch.setattr(PiiDetector, "open_channel", fail)


async def test_a_policy_that_fails_blocks(tmp_path, broken_policy):
    async with open_world(tmp_path, ANSWER, chain=PII) as world:
        assert await code_and_status(world, "/v1/chat/completions", CHAT) == (400, "input_blocked")
        event = await world.event()
        assert world.replay.calls == 0
    assert (event.decision, event.reason_code) == ("block", "policy_error")


async def test_a_policy_that_fails_lets_pass_where_the_operator_chose_so(tmp_path, broken_policy):
    async with open_world(tmp_path, STREAM, chain=PII, settings={"fail_mode": "allow"}) as world:
        answer = await world.ask("/v1/chat/completions", CHAT | {"stream": True})
        assert answer.ended_cleanly
        assert b"bob@example.com" in world.replay.last.body


async def test_a_failure_of_the_gateway_is_an_error_of_its_kind_in_both_sdks(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise ZeroDivisionError

    monkeypatch.setattr("keeptrusts.gateway.pipeline.compose", fail)
    async with open_world(tmp_path, ANSWER) as world:
        async with world.openai() as sdk:
            with pytest.raises(openai.InternalServerError) as raised:
                await sdk.chat.completions.create(**CHAT)
        assert raised.value.code == "internal_error"
        async with world.anthropic() as sdk:
            with pytest.raises(anthropic.InternalServerError) as raised:
                await sdk.messages.create(**MESSAGE)
        assert raised.value.body["type"] == "error"
        assert raised.value.body["error"]["type"] == "api_error"
        assert [event.error_code for event in world.events()] == ["internal_error", "internal_error"]
        assert raised.value.request_id == world.events()[-1].request_id
        assert world.gateway.gauges.in_flight == 0
