import pytest

from keeptrusts.contract.usage import Usage
from keeptrusts.providers.translation.messages_to_chat.ending import (
    ending,
    message_id,
    read_usage,
    tool_id,
    write_usage,
)


@pytest.mark.parametrize(
    ("provider_id", "written"),
    [
        ("chatcmpl-9Ax_b-c", "msg_9Ax_b-c"),
        ("gen 1\n<x>", "msg_gen1x"),
        ("x" * 500, "msg_" + "x" * 64),
        ("", "msg_unnamed"),
        ("é", "msg_unnamed"),
        (None, "msg_unnamed"),
        (5, "msg_unnamed"),
    ],
)
def test_a_message_is_named_by_what_can_be_printed_of_the_providers_name(provider_id, written):
    assert message_id(provider_id) == written


def test_a_tool_call_keeps_its_name_and_gets_one_where_it_has_none():
    assert tool_id("call_1", "msg_x", 0) == "call_1"
    assert [tool_id(None, "msg_x", 0), tool_id("", "msg_x", 1)] == ["toolu_x_0", "toolu_x_1"]


@pytest.mark.parametrize(
    ("finish_reason", "uses_tools", "stop_reason"),
    [
        ("stop", False, "end_turn"),
        ("stop", True, "tool_use"),
        ("tool_calls", True, "tool_use"),
        ("function_call", True, "tool_use"),
        ("tool_calls", False, "end_turn"),
        ("length", False, "max_tokens"),
        ("length", True, "max_tokens"),
        ("content_filter", False, "refusal"),
        ("eos", False, "end_turn"),
        (None, False, "end_turn"),
    ],
)
def test_every_reason_to_end_is_one_that_messages_know(finish_reason, uses_tools, stop_reason):
    assert ending(finish_reason, None, uses_tools=uses_tools, refuses=False) == {
        "stop_reason": stop_reason,
        "stop_sequence": None,
    }


def test_a_refusal_is_one_whatever_reason_the_provider_names():
    assert ending("stop", None, uses_tools=True, refuses=True)["stop_reason"] == "refusal"


def test_a_stop_sequence_is_named_where_the_server_names_it():
    assert ending("stop", "END", uses_tools=False, refuses=False) == {
        "stop_reason": "stop_sequence",
        "stop_sequence": "END",
    }
    assert ending("stop", 128009, uses_tools=False, refuses=False)["stop_reason"] == "end_turn"


def test_cached_tokens_are_counted_beside_those_of_the_input():
    usage = read_usage(
        {
            "prompt_tokens": 100,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
        }
    )
    assert usage is not None
    assert (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens) == (100, 60, 5)
    assert write_usage(usage) == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 60,
        "output_tokens": 5,
    }


def test_counts_that_contradict_each_other_are_never_negative():
    assert write_usage(Usage(input_tokens=5, cached_input_tokens=9))["input_tokens"] == 0


@pytest.mark.parametrize("value", [None, 5, {}, []])
def test_no_counts_are_zeros(value):
    assert read_usage(value) is None
    assert set(write_usage(None).values()) == {0}
