import pytest

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.messages_to_chat.completion import (
    Function,
    Message,
    ToolCall,
    arguments_of,
    calls_of,
    read_arguments,
    texts_of,
)


def test_texts_come_in_the_order_in_which_they_are_read():
    message = Message(content="b", reasoning_content="a", refusal="c")
    assert texts_of(message) == [("thinking", "a"), ("text", "b"), ("refusal", "c")]
    assert texts_of(Message(content="", reasoning="", refusal="")) == []


def test_two_names_of_reasoning_are_one_text():
    assert texts_of(Message(reasoning_content="a", reasoning="a")) == [("thinking", "a")]
    assert texts_of(Message(reasoning="a")) == [("thinking", "a")]
    assert texts_of(Message(reasoning={"x": 1})) == []


def test_content_in_parts_is_read_part_by_part():
    inner = [{"type": "text", "text": "a"}, {"type": "text", "text": ""}]
    parts = [
        {"type": "thinking", "thinking": inner},
        {"type": "text", "text": "b"},
        {"type": "refusal", "refusal": "c"},
    ]
    assert texts_of(Message(content=parts)) == [("thinking", "a"), ("text", "b"), ("refusal", "c")]


@pytest.mark.parametrize(
    "message",
    [
        Message(images=[{"type": "image_url"}]),
        Message(audio={"data": "x"}),
        Message(content=[{"type": "image_url", "image_url": {"url": "x"}}]),
        Message(content=["x"]),
        Message(content=5),
        Message(content=[{"type": "text", "text": 5}]),
    ],
)
def test_what_is_no_text_is_an_error_and_not_left_out(message):
    with pytest.raises(Fault) as raised:
        texts_of(message)
    assert raised.value.code is Code.UPSTREAM_ERROR


def test_the_older_call_of_a_function_is_a_call_too():
    function = Function("f", "{}")
    assert calls_of(Message(function_call=function)) == [ToolCall(function=function)]
    assert calls_of(Message(tool_calls=[ToolCall(id="a")], function_call=function)) == [
        ToolCall(id="a"),
        ToolCall(function=function),
    ]
    assert calls_of(Message()) == []


@pytest.mark.parametrize(("text", "arguments"), [('{"a": 1.10}', b'{"a": 1.10}'), ("", b"{}"), (" \n", b"{}")])
def test_arguments_are_an_object_as_it_was_written_or_none_at_all(text, arguments):
    assert bytes(read_arguments(text)) == arguments


@pytest.mark.parametrize("text", ["{", "[]", "null", '"x"', "{}}", "{" * 100_000, '{"a":' * 100_000])
def test_arguments_that_are_no_object_are_an_error(text):
    with pytest.raises(Fault) as raised:
        read_arguments(text)
    assert raised.value.code is Code.UPSTREAM_ERROR


def test_arguments_may_come_as_text_or_as_the_object_itself():
    assert arguments_of(Function("f", '{"a":')) == '{"a":'
    assert arguments_of(Function("f", {"a": 1})) == '{"a":1}'
    assert arguments_of(Function("f")) == ""
    with pytest.raises(Fault):
        arguments_of(Function("f", 5))
