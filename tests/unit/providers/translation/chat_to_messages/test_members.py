"""The table of members: every member of a call is in it, and nothing that changes the answer gets lost."""

import typing

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsBase

from keeptrusts.providers.translation.chat_to_messages.members import MEMBERS, find_obstacle
from keeptrusts.providers.translation.fate import Fate


def test_every_member_that_the_sdk_sends_is_in_the_table():
    assert set(typing.get_type_hints(CompletionCreateParamsBase)) <= MEMBERS.keys()


def test_a_member_that_is_not_known_is_an_obstacle_and_only_a_protocols_name_is_shown():
    assert find_obstacle({"model": "m", "new_member": 1}) == "new_member"
    assert find_obstacle({"ann@example.org": 1}) == "a member that is not known"


@pytest.mark.parametrize("key", [key for key, member in MEMBERS.items() if member.fate is Fate.REFUSED])
def test_what_the_table_refuses_is_an_obstacle_and_null_says_nothing(key):
    assert find_obstacle({key: "whatever"}) == key
    assert find_obstacle({key: None}) is None


@pytest.mark.parametrize("key", [key for key, member in MEMBERS.items() if member.fate is Fate.LEFT_OUT])
def test_what_changes_no_answer_is_no_obstacle(key):
    assert find_obstacle({key: "whatever"}) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("n", 1),
        ("frequency_penalty", 0),
        ("presence_penalty", 0.0),
        ("logit_bias", {}),
        ("logprobs", False),
        ("top_logprobs", 0),
        ("modalities", ["text"]),
        ("verbosity", "medium"),
        ("temperature", 1),
        ("stop", "END"),
        ("stop", ["END", "\n\nHuman:"]),
        ("response_format", {"type": "text"}),
        ("response_format", {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}),
        ("tool_choice", "required"),
        ("tool_choice", {"type": "function", "function": {"name": "f"}}),
        ("tools", [{"type": "function", "function": {"name": "f", "strict": True}}]),
        ("reasoning_effort", "xhigh"),
        ("stream_options", {"include_usage": True, "include_obfuscation": False}),
        ("service_tier", "priority"),
    ],
)
def test_values_that_can_be_carried_or_say_nothing_are_no_obstacles(key, value):
    assert find_obstacle({key: value}) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("n", 2),
        ("frequency_penalty", 0.1),
        ("presence_penalty", -1),
        ("logit_bias", {"50256": -100}),
        ("logprobs", True),
        ("top_logprobs", 5),
        ("modalities", ["text", "audio"]),
        ("verbosity", "low"),
        ("temperature", 1.01),
        ("stop", "\n"),
        ("stop", ["END", " "]),
        ("response_format", {"type": "json_object"}),
        ("response_format", {"type": "grammar"}),
        ("response_format", {"type": "json_schema", "json_schema": {"name": "x"}}),
        ("response_format", {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}),
        ("tools", [{"type": "function", "function": {"name": "f", "strict": True, "parameters": {"type": "object"}}}]),
        ("tool_choice", {"type": "allowed_tools", "allowed_tools": {}}),
        ("tool_choice", "sometimes"),
        ("tools", [{"type": "custom", "custom": {"name": "f"}}]),
        ("tools", [{"type": "function", "function": {"name": "f", "new": 1}}]),
        ("tools", [{"type": "web_search"}]),
        ("reasoning_effort", "enormous"),
        ("reasoning_effort", ["low"]),
        ("stream_options", {"new": 1}),
    ],
)
def test_values_whose_loss_would_change_the_answer_are_obstacles(key, value):
    assert find_obstacle({key: value}) == key


def test_two_sayings_about_thinking_are_one_too_many():
    assert find_obstacle({"thinking": {"type": "adaptive"}}) is None
    assert find_obstacle({"thinking": {"type": "adaptive"}, "reasoning_effort": "low"}) == "reasoning_effort"
