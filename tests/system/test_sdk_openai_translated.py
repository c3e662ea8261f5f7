"""The real OpenAI SDK through a whole gateway whose only target speaks Anthropic's Messages."""

import json

import openai
import pytest

from fakes.replay import Reply, stream
from fakes.worlds import PII, PROVIDER_KEY, open_world
from keeptrusts.providers.sse import render

pytestmark = pytest.mark.anyio

HELLO = [{"role": "user", "content": "Hello!"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}]
USAGE = {"input_tokens": 7, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 9}
TEXT = {"type": "text", "text": "Write to ann@example.org."}
USE = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Paris"}}


def message(*blocks, **members):
    tree = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5", "content": blocks}
    return Reply(body=json.dumps({**tree, "stop_reason": "end_turn", "usage": USAGE, **members}).encode())


def named(*events):
    return b"".join(render(event["type"], json.dumps(event).encode()) for event in events)


def grow(kind, **members):
    return {"type": "content_block_delta", "index": 0, "delta": {"type": kind, **members}}


START = {"type": "message_start", "message": {"id": "msg_1", "usage": {**USAGE, "output_tokens": 1}}}
TEXT_BEGINS = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
BLOCK_ENDS = {"type": "content_block_stop", "index": 0}
ENDS = ({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": USAGE}, {"type": "message_stop"})
SPOKEN = named(
    START,
    TEXT_BEGINS,
    *(grow("text_delta", text=piece) for piece in ("Write to an", "n@example", ".org", ".")),
    BLOCK_ENDS,
    *ENDS,
)


@pytest.fixture(params=[(), PII], ids=["empty", "pii"])
def chain(request):
    return request.param


def hidden(text, chain):
    return text.replace("ann@example.org", "[EMAIL]") if chain else text


def world(folder, *replies, chain=(), **changes):
    return open_world(folder, *replies, chain=chain, targets=[{"id": "an", "provider": "anthropic"}], **changes)


async def test_a_whole_chat(tmp_path, chain):
    async with world(tmp_path, message(TEXT), chain=chain) as here:
        async with here.openai() as sdk:
            answer = await sdk.chat.completions.create(model="claude-haiku-4-5", messages=HELLO, max_tokens=50)
        event = await here.event()
        sent = here.replay.last
    assert answer.choices[0].message.content == hidden(TEXT["text"], chain)
    assert (answer.id, answer.model, answer.choices[0].finish_reason) == ("msg_1", "claude-haiku-4-5", "stop")
    assert answer.created > 1_700_000_000
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (127, 9)
    assert (event.usage.input_tokens, event.usage.cached_input_tokens, event.usage.output_tokens) == (127, 100, 9)
    assert sent.target == "/v1/messages"
    assert (sent.header("x-api-key"), sent.header("anthropic-version")) == (PROVIDER_KEY, "2023-06-01")
    assert sent.header("authorization") is None
    assert json.loads(sent.body) == {
        "model": "claude-haiku-4-5",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello!"}]}],
    }


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("size", [None, 7])
async def test_a_streamed_chat_and_its_usage_where_it_was_asked_for(tmp_path, chain, asked, size):
    options = {"stream_options": {"include_usage": True}} if asked else {}
    async with world(tmp_path, stream(SPOKEN, size=size), chain=chain) as here:
        async with here.openai() as sdk:
            chunks = [
                chunk
                async for chunk in await sdk.chat.completions.create(model="m", messages=HELLO, stream=True, **options)
            ]
        event = await here.event()
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(texts) == hidden(TEXT["text"], chain)
    assert [chunk.usage.prompt_tokens for chunk in chunks if chunk.usage] == [127] * asked
    assert event.usage.output_tokens == 9
    assert (event.decision, event.error_code) == ("redact" if chain else "allow", None)


async def test_a_conversation_with_tools_can_be_replayed(tmp_path, chain):
    replies = (message({"type": "text", "text": "Wait."}, USE, stop_reason="tool_use"), message(TEXT))
    async with world(tmp_path, *replies, chain=chain) as here, here.openai() as sdk:
        asked = {"model": "claude-haiku-4-5", "tools": TOOLS, "tool_choice": "auto", "parallel_tool_calls": False}
        first = await sdk.chat.completions.create(messages=HELLO, **asked)
        said = first.choices[0].message
        (call,) = said.tool_calls
        result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
        second = await sdk.chat.completions.create(messages=[*HELLO, said, result], **asked)
        sent = json.loads(here.replay.last.body)
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Paris"})
    assert sent["messages"][1:] == [
        {"role": "assistant", "content": [{"type": "text", "text": "Wait."}, USE]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}]},
    ]
    assert sent["tools"] == [{"name": "weather", "input_schema": PARAMETERS}]
    assert sent["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert second.choices[0].message.content == hidden(TEXT["text"], chain)


async def test_a_streamed_call_of_a_tool(tmp_path, chain):
    events = named(
        START,
        {"type": "content_block_start", "index": 0, "content_block": {**USE, "input": {}}},
        *(grow("input_json_delta", partial_json=piece) for piece in ("", '{"city": "Pa', 'ris"}')),
        BLOCK_ENDS,
        {**ENDS[0], "delta": {"stop_reason": "tool_use"}},
        ENDS[1],
    )
    async with (
        world(tmp_path, stream(events), chain=chain) as here,
        here.openai() as sdk,
        sdk.chat.completions.stream(model="m", messages=HELLO, tools=TOOLS) as chunks,
    ):
        final = await chunks.get_final_completion()
    (call,) = final.choices[0].message.tool_calls
    assert (call.id, call.function.name) == ("toolu_1", "weather")
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    assert final.choices[0].finish_reason == "tool_calls"


async def test_what_cannot_be_carried_is_refused_by_its_name_and_never_sent(tmp_path):
    async with world(tmp_path, message(TEXT)) as here, here.openai() as sdk:
        with pytest.raises(openai.BadRequestError) as raised:
            await sdk.chat.completions.create(model="m", messages=HELLO, n=2)
        assert here.replay.calls == 0
    assert (raised.value.code, raised.value.param) == ("route_not_supported_by_target", "n")


async def test_an_error_of_the_provider_is_told_in_the_clients_words(tmp_path):
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down."}}
    reply = Reply(body=json.dumps(body).encode(), status=429)
    async with world(tmp_path, reply) as here, here.openai() as sdk:
        with pytest.raises(openai.RateLimitError, match=r"Slow down\."):
            await sdk.chat.completions.create(model="m", messages=HELLO)


@pytest.mark.parametrize("asked_for", ["chat", "responses"])
@pytest.mark.parametrize("is_said", [True, False])
async def test_a_stream_that_fails_is_a_failure_for_the_sdk(tmp_path, chain, asked_for, is_said):
    error = named({"type": "error", "error": {"type": "overloaded_error", "message": "Busy."}})
    broken = named(START, TEXT_BEGINS, grow("text_delta", text="Hello there, this is long enough to come."))
    reply = stream(broken + error) if is_said else stream(broken, ending="cut")
    async with world(tmp_path, reply, chain=chain) as here, here.openai() as sdk:
        if asked_for == "chat":
            chunks = await sdk.chat.completions.create(model="m", messages=HELLO, stream=True)
            with pytest.raises(openai.APIError):
                _ = [chunk async for chunk in chunks]
        else:
            events = [event async for event in await sdk.responses.create(model="m", input="Hello!", stream=True)]
            assert events[-1].type == "response.failed"
        assert (await here.event()).error_code


async def test_a_whole_response(tmp_path, chain):
    async with world(tmp_path, message(TEXT, USE), chain=chain) as here, here.openai() as sdk:
        tool = {"type": "function", "name": "weather", "parameters": PARAMETERS, "strict": False}
        answer = await sdk.responses.create(model="m", input="Hello!", instructions="Be kind.", tools=[tool])
        sent = json.loads(here.replay.last.body)
        event = await here.event()
    assert answer.output_text == hidden(TEXT["text"], chain)
    assert (answer.output[1].call_id, json.loads(answer.output[1].arguments)) == ("toolu_1", {"city": "Paris"})
    assert (answer.usage.input_tokens, event.usage.input_tokens) == (127, 127)
    assert sent["system"] == [{"type": "text", "text": "Be kind."}]


async def test_a_streamed_response(tmp_path, chain):
    async with (
        world(tmp_path, stream(SPOKEN, size=11), chain=chain) as here,
        here.openai() as sdk,
        sdk.responses.stream(model="m", input="Hello!") as events,
    ):
        texts = [event.delta async for event in events if event.type == "response.output_text.delta"]
        final = await events.get_final_response()
    assert "".join(texts) == final.output_text == hidden(TEXT["text"], chain)
    assert (final.status, final.usage.output_tokens) == ("completed", 9)
