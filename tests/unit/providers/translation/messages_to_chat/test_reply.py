import json

import pytest
from anthropic.types import Message

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.messages_to_chat.reply import read_reply
from unit.providers.translation.messages_to_chat.answering import USAGE, completion, tool_call


def read(body):
    translated = read_reply(body, "claude")
    Message.model_validate_json(translated.body)
    return json.loads(translated.body)


def test_a_text_is_a_message_of_the_model_that_was_asked():
    assert read(completion(content="hi")) == {
        "id": "msg_7x",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 8,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 4,
            "output_tokens": 7,
        },
    }


def test_thinking_text_and_tools_come_in_this_order():
    message = read(
        completion(
            "tool_calls",
            reasoning_content="hm",
            content="ok",
            tool_calls=[tool_call("a", '{"x": [1, "é"]}'), tool_call("", "", "g")],
        )
    )
    assert message["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "keeptrusts-unsigned"},
        {"type": "text", "text": "ok"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": [1, "é"]}},
        {"type": "tool_use", "id": "toolu_7x_1", "name": "g", "input": {}},
    ]
    assert message["stop_reason"] == "tool_use"


def test_a_refusal_is_a_text_and_the_reason_to_stop():
    message = read(completion(content=None, refusal="No."))
    assert (message["content"], message["stop_reason"]) == ([{"type": "text", "text": "No."}], "refusal")


def test_an_answer_without_usage_counts_zeros_and_says_so_to_us():
    body = json.dumps({"choices": [{"message": {"content": "x"}}]}).encode()
    assert read(body)["usage"]["output_tokens"] == 0
    assert read_reply(body, "m").usage is None
    assert read_reply(completion(content="x"), "m").usage is not None


def test_only_the_first_choice_counts():
    choices = [{"index": 1, "message": {"content": "b"}}, {"index": 0, "message": {"content": "a"}}]
    assert read(json.dumps({"choices": choices}).encode())["content"] == [{"type": "text", "text": "a"}]


def test_a_tool_call_that_the_limit_cut_short_is_left_out():
    message = read(completion("length", tool_calls=[tool_call("a", "{}"), tool_call("b", '{"x":')]))
    assert [block["id"] for block in message["content"]] == ["a"]
    assert message["stop_reason"] == "max_tokens"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<html>",
        b"\xff",
        b"[" * 100_000,
        b"{}",
        b'{"choices":[]}',
        b'{"choices":[{"index":0}]}',
        b'{"choices":[{"index":0,"message":5}]}',
        b'{"error":{"message":"secret","code":"x"}}',
        completion(tool_calls=[tool_call("a", "{")]),
        completion(tool_calls=[{"id": "a"}]),
        completion(tool_calls=[{"id": "a", "function": {"arguments": "{}"}}]),
        completion("length", tool_calls=[tool_call("a", "{"), tool_call("b", "{}")]),
        completion(images=[{"type": "image_url"}]),
    ],
)
def test_what_is_no_answer_is_an_error_of_the_provider(body):
    with pytest.raises(Fault) as raised:
        read_reply(body, "m")
    assert raised.value.code is Code.UPSTREAM_ERROR
    assert "secret" not in raised.value.message


def test_usage_is_what_the_provider_counted():
    usage = read_reply(completion(content="x"), "m").usage
    assert usage is not None
    assert (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens) == (
        USAGE["prompt_tokens"],
        4,
        USAGE["completion_tokens"],
    )
