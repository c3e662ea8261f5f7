"""Messages as turns."""

import re

import pytest

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.chat_to_messages.messages import find_message_obstacle, write_messages

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
USE = {"type": "tool_use", "id": "call_1", "name": "f", "input": {"x": 1}}


def text(said):
    return {"type": "text", "text": said}


def test_what_the_system_says_stands_apart_in_its_order():
    messages = [
        {"role": "system", "content": "one"},
        {"role": "user", "content": "hi"},
        {"role": "developer", "content": [{"type": "text", "text": "two", "cache_control": {"type": "ephemeral"}}]},
    ]
    system, turns = write_messages(messages)
    assert system == [text("one"), text("two") | {"cache_control": {"type": "ephemeral"}}]
    assert turns == [{"role": "user", "content": [text("hi")]}]


def test_results_of_parallel_tools_and_what_follows_are_one_turn():
    messages = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "wait", "tool_calls": [CALL, CALL | {"id": "call_2"}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "a", "name": "f"},
        {"role": "system", "content": "be brief"},
        {"role": "tool", "tool_call_id": "call_2", "content": [text("b"), text("c")]},
        {"role": "user", "content": "well?"},
    ]
    assert find_message_obstacle(messages) is None
    _, turns = write_messages(messages)
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert turns[1]["content"] == [text("wait"), USE, USE | {"id": "call_2"}]
    assert turns[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "call_1", "content": "a"},
        {"type": "tool_result", "tool_use_id": "call_2", "content": [text("b"), text("c")]},
        text("well?"),
    ]


def test_a_message_of_the_sdk_can_be_sent_back_as_it_came():
    message = {
        "role": "assistant",
        "content": None,
        "refusal": "I will not",
        "annotations": [],
        "audio": None,
        "function_call": None,
        "tool_calls": None,
        "reasoning_content": "thought",
    }
    assert find_message_obstacle([message]) is None
    assert write_messages([message])[1] == [{"role": "assistant", "content": [text("I will not")]}]


def test_a_mark_on_a_message_is_that_of_its_last_block():
    mark = {"type": "ephemeral"}
    messages = [
        {"role": "user", "content": [text("a"), text("b")], "cache_control": mark},
        {"role": "tool", "tool_call_id": "x", "content": "", "cache_control": mark},
    ]
    (turn,) = write_messages(messages)[1]
    assert turn["content"] == [
        text("a"),
        text("b") | {"cache_control": mark},
        {"type": "tool_result", "tool_use_id": "x", "content": [], "cache_control": mark},
    ]


@pytest.mark.parametrize("arguments", [None, "", " ", "{}", {}])
def test_no_arguments_are_an_empty_object(arguments):
    call = {"id": "a", "function": {"name": "f", "arguments": arguments}}
    assert write_messages([{"role": "assistant", "tool_calls": [call]}])[1][0]["content"][0]["input"] == {}


def test_identifiers_of_other_servers_are_spelled_alike_in_call_and_result():
    messages = [
        {"role": "assistant", "tool_calls": [CALL | {"id": "functions.f:0"}]},
        {"role": "tool", "tool_call_id": "functions.f:0", "content": "a"},
    ]
    _, turns = write_messages(messages)
    assert turns[0]["content"][0]["id"] == turns[1]["content"][0]["tool_use_id"]
    assert turns[0]["content"][0]["id"].startswith("functions_f_0_")


def test_a_turn_that_says_nothing_is_left_out():
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "b"},
    ]
    assert write_messages(messages)[1] == [{"role": "user", "content": [text("a"), text("b")]}]


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ({"role": "function", "content": "x"}, ".role"),
        ({"role": 5}, ".role"),
        ({"role": "user", "content": "x", "name": "ann"}, ".name"),
        ({"role": "user", "content": "x", "ann@example.org": 1}, ".a member that is not known"),
        ({"role": "assistant", "audio": {"id": "audio_1"}}, ".audio"),
        ({"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}, ".function_call"),
        ({"role": "assistant", "tool_calls": [{"id": "x", "type": "custom", "custom": {}}]}, ".tool_calls[0]"),
        ({"role": "user", "content": [text("a"), {"type": "input_audio", "input_audio": {}}]}, ".content[1]"),
        (
            {"role": "system", "content": [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]},
            ".content[0]",
        ),
    ],
)
def test_what_cannot_be_carried_is_named_by_its_place(message, place):
    assert find_message_obstacle([{"role": "user", "content": "x"}, message]) == f"messages[1]{place}"


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        (None, "messages"),
        ("x", "messages"),
        ([5], "messages[0]"),
        ([{"role": "user", "content": [5]}], "messages[0].content[0]"),
        ([{"role": "tool", "content": "x"}], "messages[0].tool_call_id"),
        ([{"role": "assistant", "refusal": 5}], "messages[0].refusal"),
        ([{"role": "assistant", "tool_calls": "x"}], "messages[0].tool_calls"),
        ([{"role": "assistant", "tool_calls": [5]}], "messages[0].tool_calls[0]"),
        ([{"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}], "messages[0].tool_calls[0].id"),
        *(
            (
                [{"role": "assistant", "tool_calls": [{"id": "x", "function": {"name": "f", "arguments": said}}]}],
                "messages[0].tool_calls[0].function.arguments",
            )
            for said in ("[]", "{", '{"a":1,"a":2}', "5", 5, "\ud800", "[" * 100_000)
        ),
    ],
)
def test_what_are_no_messages_is_refused_when_it_is_written(messages, param):
    assert find_message_obstacle(messages) is None
    with pytest.raises(Fault) as raised:
        write_messages(messages)
    assert (raised.value.code, raised.value.param) == (Code.INVALID_REQUEST, param)


def test_a_chat_of_the_systems_words_alone_has_a_turn_to_answer():
    said = [{"role": "system", "content": "one"}, {"role": "developer", "content": "two"}]
    assert write_messages(said) == ([], [{"role": "user", "content": [text("one"), text("two")]}])


def test_identifiers_that_differ_in_foreign_characters_only_stay_different():
    calls = [CALL | {"id": "a.b"}, CALL | {"id": "a:b"}, CALL | {"id": "a_b"}]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "x"} for call in calls]
    _, turns = write_messages([{"role": "user", "content": "go"}, {"role": "assistant", "tool_calls": calls}, *results])
    used = [block["id"] for block in turns[1]["content"]]
    assert [block["tool_use_id"] for block in turns[2]["content"]] == used
    assert len(set(used)) == 3
    assert all(re.fullmatch("[A-Za-z0-9_-]+", identifier) for identifier in used)
