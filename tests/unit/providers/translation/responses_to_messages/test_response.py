"""Whole responses."""

import json

import pytest
from openai.types.responses import Response

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.responses_to_messages.response import INCOMPLETE, read_reply

USAGE = {"input_tokens": 7, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 5}


def response(*blocks, **members):
    body = json.dumps({"id": "msg_1", "content": blocks, "usage": USAGE, **members}).encode()
    translated = read_reply(body, model="asked", created=1234)
    return Response.model_validate(json.loads(translated.body), strict=True), translated.usage


def test_each_block_is_an_item():
    read, usage = response(
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "thinking", "thinking": "", "signature": "s"},
        {"type": "redacted_thinking", "data": "xxxx"},
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1}},
        stop_reason="tool_use",
    )
    thought, message, call = read.output
    assert thought.summary[0].text == "hm"
    assert (read.output_text, message.role, message.status) == ("a", "assistant", "completed")
    assert (call.call_id, call.name, call.arguments) == ("toolu_1", "f", '{"x":1}')
    assert len({item.id for item in read.output}) == 3
    assert (read.id, read.model, read.created_at, read.status) == ("msg_1", "asked", 1234, "completed")
    assert (read.usage.input_tokens, read.usage.output_tokens, read.usage.total_tokens) == (127, 5, 132)
    assert read.usage.input_tokens_details.cached_tokens == 100
    assert read.usage.input_tokens_details.cache_write_tokens == 20
    assert (usage.input_tokens, usage.cached_input_tokens) == (127, 100)


@pytest.mark.parametrize(("reason", "why"), INCOMPLETE.items())
def test_an_answer_that_was_cut_is_incomplete(reason, why):
    read, _ = response({"type": "text", "text": "a"}, stop_reason=reason)
    assert (read.status, read.incomplete_details.reason) == ("incomplete", why)


def test_why_a_model_refused_is_said():
    read, _ = response(stop_reason="refusal", stop_details={"explanation": "I will not"}, usage=None)
    assert read.output[0].content[0].refusal == "I will not"
    assert read.usage is None


def test_a_block_that_nobody_asked_for_is_an_error_of_the_provider():
    with pytest.raises(Fault) as raised:
        response({"type": "server_tool_use"})
    assert raised.value.code is Code.UPSTREAM_ERROR
