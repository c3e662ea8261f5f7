"""The table of members of the Responses API."""

import typing

import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from keeptrusts.providers.translation.fate import Fate
from keeptrusts.providers.translation.members import find_refused
from keeptrusts.providers.translation.responses_to_messages.members import MEMBERS


def test_every_member_that_the_sdk_sends_is_in_the_table():
    assert set(typing.get_type_hints(ResponseCreateParamsBase)) <= MEMBERS.keys()


@pytest.mark.parametrize("key", [key for key, member in MEMBERS.items() if member.fate is Fate.REFUSED])
def test_what_the_table_refuses_is_an_obstacle(key):
    assert find_refused({key: "whatever"}, MEMBERS) == key


@pytest.mark.parametrize("key", [key for key, member in MEMBERS.items() if member.fate is Fate.LEFT_OUT])
def test_what_changes_no_answer_is_no_obstacle(key):
    assert find_refused({key: "whatever"}, MEMBERS) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("include", ["reasoning.encrypted_content"]),
        ("background", False),
        ("truncation", "disabled"),
        ("reasoning", {"effort": "high", "summary": "auto"}),
        ("reasoning", {"effort": None}),
        ("text", {"format": {"type": "text"}, "verbosity": "medium"}),
        ("text", {"format": {"type": "json_schema", "name": "x", "schema": {}, "strict": True}}),
        ("tools", [{"type": "function", "name": "f", "parameters": {}, "strict": None, "output_schema": None}]),
        ("tool_choice", {"type": "function", "name": "f"}),
        ("stream_options", {"include_obfuscation": False}),
        ("top_logprobs", 0),
        ("store", True),
    ],
)
def test_values_that_can_be_carried_or_say_nothing_are_no_obstacles(key, value):
    assert find_refused({key: value}, MEMBERS) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("include", ["message.output_text.logprobs"]),
        ("background", True),
        ("truncation", "auto"),
        ("reasoning", {"effort": "enormous"}),
        ("reasoning", {"new": 1}),
        ("text", {"format": {"type": "json_object"}}),
        ("text", {"verbosity": "low"}),
        ("text", {"new": 1}),
        ("tools", [{"type": "web_search"}]),
        ("tools", [{"type": "custom", "name": "f"}]),
        ("tools", [{"type": "function", "name": "f", "output_schema": {"type": "object"}}]),
        ("tool_choice", {"type": "allowed_tools"}),
        ("stream_options", {"new": 1}),
        ("temperature", 1.5),
    ],
)
def test_values_whose_loss_would_change_the_answer_are_obstacles(key, value):
    assert find_refused({key: value}, MEMBERS) == key


@pytest.mark.parametrize("key", ["include", "reasoning", "text", "tools", "tool_choice", "stream_options"])
def test_what_is_no_value_of_a_member_is_said_when_it_is_written(key):
    assert find_refused({key: 5}, MEMBERS) is None
