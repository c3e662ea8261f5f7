"""Whole answers."""

import json

import pytest
from openai.types.chat import ChatCompletion

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.chat_to_messages.reply import FINISH_REASONS, read_reply

USAGE = {"input_tokens": 7, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 5}


def message(*blocks, **members):
    return json.dumps({"id": "msg_1", "type": "message", "content": blocks, "usage": USAGE, **members}).encode()


def completion(*blocks, **members):
    translated = read_reply(message(*blocks, **members), model="asked", created=1234)
    return ChatCompletion.model_validate(json.loads(translated.body), strict=True), translated.usage


def test_texts_thoughts_and_tools_each_have_their_place():
    read, _ = completion(
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "xxxx"},
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": [1, 0.10]}},
        stop_reason="tool_use",
    )
    assert (read.id, read.model, read.created, read.system_fingerprint) == ("msg_1", "asked", 1234, None)
    (choice,) = read.choices
    assert choice.finish_reason == "tool_calls"
    assert (choice.message.content, choice.message.model_extra) == ("ab", {"reasoning_content": "hm"})
    (call,) = choice.message.tool_calls
    assert (call.id, call.type, call.function.name) == ("toolu_1", "function", "f")
    assert json.loads(call.function.arguments) == {"x": [1, 0.10]}


def test_numbers_of_arguments_stay_as_they_were_written():
    body = b'{"id":"m","content":[{"type":"tool_use","id":"t","name":"f","input":{ "x" :\n 1.10, "y": 1e400 }}]}'
    read = json.loads(read_reply(body, model="m", created=0).body)
    assert read["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"x":1.10,"y":1e400}'


def test_an_answer_without_text_has_none():
    read, _ = completion({"type": "tool_use", "id": "t", "name": "f", "input": {}}, stop_reason="tool_use")
    assert read.choices[0].message.content is None


def test_the_input_includes_what_was_cached():
    read, usage = completion({"type": "text", "text": "a"})
    assert (read.usage.prompt_tokens, read.usage.completion_tokens, read.usage.total_tokens) == (127, 5, 132)
    assert read.usage.prompt_tokens_details.cached_tokens == 100
    assert read.usage.prompt_tokens_details.cache_write_tokens == 20
    assert (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens) == (127, 100, 5)


def test_tokens_of_thinking_are_told_where_they_are_known():
    read, _ = completion(usage={**USAGE, "output_tokens_details": {"thinking_tokens": 3}})
    assert read.usage.completion_tokens_details.reasoning_tokens == 3
    assert completion(usage=None)[0].usage is None


@pytest.mark.parametrize(("reason", "finish"), [*FINISH_REASONS.items(), ("new", "stop"), (None, "stop")])
def test_every_reason_to_stop_has_its_word(reason, finish):
    assert completion(stop_reason=reason)[0].choices[0].finish_reason == finish


def test_why_a_model_refused_is_said():
    details = {"type": "refusal", "category": "bio", "explanation": "I will not"}
    read, _ = completion(stop_reason="refusal", stop_details=details)
    assert (read.choices[0].finish_reason, read.choices[0].message.refusal) == ("content_filter", "I will not")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<html>",
        b"\xff",
        b"[" * 100_000,
        b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}',
        b'{"id":"m","content":[{"text":"no type"}]}',
        message({"type": "server_tool_use", "id": "x", "name": "web_search", "input": {}}),
        message({"type": "a\nb"}),
    ],
)
def test_what_is_no_answer_is_an_error_of_the_provider(body):
    with pytest.raises(Fault) as raised:
        read_reply(body, model="m", created=0)
    assert raised.value.code is Code.UPSTREAM_ERROR
    assert raised.value.message.isprintable()
