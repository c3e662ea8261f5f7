"""Anthropic's SDK, served through a whole gateway by a provider that speaks chat completions."""

import json

import anthropic
import pytest

from fakes.replay import Reply
from fakes.worlds import PII, open_world

pytestmark = pytest.mark.anyio

TARGET = {"id": "oa", "provider": "openai", "model": "gpt-4o", "aliases": ["claude-*"]}
CALL = {
    "model": "claude-sonnet",
    "max_tokens": 100,
    "system": "Be kind.",
    "messages": [{"role": "user", "content": "Write to ada@example.com"}],
    "tools": [{"name": "mail", "input_schema": {"type": "object", "properties": {"to": {"type": "string"}}}}],
}
USAGE = {"prompt_tokens": 20, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 12}}
MAIL = {"id": "call_1", "type": "function", "function": {"name": "mail", "arguments": '{"to":"bob@example.com"}'}}


def chunk(finish=None, **delta):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: %b\n\n" % json.dumps({"id": "chatcmpl-1", "choices": [choice]}).encode()


STREAM = [
    chunk(role="assistant", content=""),
    chunk(content="I write to bob@exam"),
    chunk(content="ple.com now."),
    chunk(tool_calls=[{"index": 0, **MAIL, "function": {"name": "mail", "arguments": ""}}]),
    chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"to":"bob@exam'}}]),
    chunk(tool_calls=[{"index": 0, "function": {"arguments": 'ple.com"}'}}]),
    chunk("tool_calls"),
]
ENDS = {
    "usage and [DONE]": [
        b"data: %b\n\n" % json.dumps({"id": "chatcmpl-1", "choices": [], "usage": USAGE}).encode(),
        b"data: [DONE]\n\n",
    ],
    "nothing": [],
}


def check(message):
    text, use = message.content
    assert text.text == "I write to [EMAIL] now."
    assert (use.type, use.id, use.name, use.input) == ("tool_use", "call_1", "mail", {"to": "[EMAIL]"})
    assert (message.model, message.stop_reason) == ("gpt-4o", "tool_use")


async def test_a_whole_answer_is_redacted_and_counted(tmp_path):
    message = {"role": "assistant", "content": "I write to bob@example.com now.", "tool_calls": [MAIL]}
    choices = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    reply = Reply(body=json.dumps({"id": "chatcmpl-1", "choices": choices, "usage": USAGE}).encode())
    async with open_world(tmp_path, reply, targets=[TARGET], chain=PII) as world:
        async with world.anthropic() as client:
            answer = await client.messages.create(**CALL)
        check(answer)
        assert (answer.usage.input_tokens, answer.usage.cache_read_input_tokens) == (8, 12)
        sent = json.loads(world.replay.last.body)
        assert sent["model"] == "gpt-4o"
        assert [one["content"] for one in sent["messages"]] == ["Be kind.", "Write to [EMAIL]"]
        event = await world.event()
        assert (event.usage.input_tokens, event.usage.cached_input_tokens, event.usage.output_tokens) == (20, 12, 9)


@pytest.mark.parametrize("end", list(ENDS))
async def test_a_streamed_answer_is_redacted_and_ends_as_its_provider_does(tmp_path, end):
    reply = Reply(content_type="text/event-stream", pieces=[*STREAM, *ENDS[end]])
    async with open_world(tmp_path, reply, targets=[TARGET], chain=PII) as world:
        async with world.anthropic() as client, client.messages.stream(**CALL) as stream:
            check(await stream.get_final_message())
        event = await world.event()
        assert event.usage.estimated is (end == "nothing")
        assert json.loads(world.replay.last.body)["stream_options"] == {"include_usage": True}


async def test_a_stream_that_breaks_off_is_an_error_to_the_client(tmp_path):
    reply = Reply(content_type="text/event-stream", pieces=STREAM[:-1])
    async with open_world(tmp_path, reply, targets=[TARGET]) as world, world.anthropic() as client:
        with pytest.raises(anthropic.APIError):
            async with client.messages.stream(**CALL) as stream:
                await stream.get_final_message()


async def test_a_call_that_no_target_can_carry_names_the_member_and_is_never_sent(tmp_path):
    async with open_world(tmp_path, Reply(body=b"{}"), targets=[TARGET]) as world, world.anthropic() as client:
        with pytest.raises(anthropic.APIStatusError) as refused:
            await client.messages.create(**CALL, extra_body={"top_k": 5})
        assert "top_k" in refused.value.message
        assert world.replay.calls == 0
