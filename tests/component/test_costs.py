"""What a call cost stands in its event: as the provider counted it, at the price of the target that answered."""

import json

import pytest

from fakes.replay import Reply, stream
from fakes.worlds import open_world

pytestmark = pytest.mark.anyio

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello!"}]}
COUNTS = {"prompt_tokens": 1_000_000, "completion_tokens": 100_000, "prompt_tokens_details": {"cached_tokens": 400_000}}
MESSAGE = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": CHAT["messages"]}
WRITTEN = {
    "input_tokens": 100_000, "cache_read_input_tokens": 200_000, "cache_creation_input_tokens": 300_000,
    "cache_creation": {"ephemeral_5m_input_tokens": 100_000, "ephemeral_1h_input_tokens": 200_000}, "output_tokens": 1,
}  # fmt: skip


def whole(**members):
    return Reply(body=json.dumps({"id": "c", "object": "chat.completion", "choices": [], **members}).encode())


def sse(*events):
    return b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in events) + b"data: [DONE]\n\n"


def chunk(text, **members):
    choices = [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}] if text else []
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **members}


def messages_stream():
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": WRITTEN}
    events = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 100_000}},
        {"type": "message_stop"},
    ]
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


async def cost(tmp_path, reply, path, body, **sections):
    async with open_world(tmp_path, reply, **sections) as world:
        await world.ask(path, body)
        return (await world.event()).cost_micros


CHATS = "/v1/chat/completions"
PII = {"chain": ("pii-detector",)}


@pytest.mark.parametrize("sections", [{}, PII], ids=["passed on", "judged"])
async def test_a_whole_answer_and_a_streamed_one_cost_the_same(tmp_path, sections):
    streamed = stream(sse(chunk("hi", usage=None), chunk("", usage=COUNTS)))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert await cost(tmp_path / "a", whole(usage=COUNTS), CHATS, CHAT, **sections) == 180_000
    assert await cost(tmp_path / "b", streamed, CHATS, CHAT | {"stream": True}, **sections) == 180_000


@pytest.mark.parametrize("sections", [{}, PII], ids=["passed on", "judged"])
async def test_the_tier_that_served_a_call_is_charged(tmp_path, sections):
    streamed = stream(sse(chunk("hi", service_tier="priority"), chunk("", usage=COUNTS, service_tier="priority")))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    reply = whole(usage=COUNTS, service_tier="priority")
    assert await cost(tmp_path / "a", reply, CHATS, CHAT, **sections) == 300_000
    assert await cost(tmp_path / "b", streamed, CHATS, CHAT | {"stream": True}, **sections) == 300_000


@pytest.mark.parametrize("sections", [{}, PII], ids=["passed on", "judged"])
async def test_what_anthropic_wrote_to_its_cache_is_charged(tmp_path, sections):
    micros = 100_000 + 20_000 + 125_000 + 400_000 + 500_000
    body = MESSAGE | {"stream": True}
    assert await cost(tmp_path, stream(messages_stream()), "/v1/messages", body, **sections) == micros


async def test_a_model_that_nobody_prices_costs_what_nobody_knows(tmp_path):
    assert await cost(tmp_path, whole(usage=COUNTS), CHATS, CHAT | {"model": "nobodys-model"}) is None


async def test_an_error_of_the_provider_costs_nothing(tmp_path):
    assert await cost(tmp_path, Reply(status=500, body=b'{"error":{"message":"no"}}'), CHATS, CHAT) == 0


async def test_a_stream_that_breaks_off_costs_an_estimate(tmp_path):
    broken = stream(sse(chunk("hi"))[: -len(b"data: [DONE]\n\n")].replace(b'"stop"', b"null"))
    async with open_world(tmp_path, broken) as world:
        await world.ask(CHATS, CHAT | {"stream": True})
        event = await world.event()
    assert event.usage.estimated
    assert event.cost_micros > 0
