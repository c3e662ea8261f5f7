import typing

import pytest
from anthropic.types.beta import message_create_params as beta
from anthropic.types.message_create_params import MessageCreateParamsBase, MessageCreateParamsStreaming

from keeptrusts.providers.translation.fate import Fate
from keeptrusts.providers.translation.messages_to_chat.members import MEMBERS
from unit.providers.translation.messages_to_chat.calling import HELLO, chat_of, obstacle_of

SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}
EXAMPLES = {
    "system": "be good",
    "stream": True,
    "temperature": 0.5,
    "top_p": 0.5,
    "stop_sequences": ["x"],
    "tools": [{"name": "f", "input_schema": {}}],
    "metadata": {"user_id": "u"},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "output_config": {"effort": "low"},
    "output_format": {"type": "json_schema", "schema": SCHEMA},
    "max_tokens": 11,
    "messages": [*HELLO, *HELLO],
}
HARMLESS = {
    "context_management": {"edits": [{"type": "clear_thinking_20251015"}]},
    "inference_geo": "global",
    "cache_control": {"type": "ephemeral"},
    "service_tier": "auto",
}


def test_every_member_that_the_sdk_can_send_is_in_the_table():
    named = set()
    for params in (MessageCreateParamsBase, MessageCreateParamsStreaming, beta.MessageCreateParamsBase):
        named |= typing.get_type_hints(params).keys()
    assert named - set(MEMBERS) == set()


@pytest.mark.parametrize("name", [name for name in MEMBERS if MEMBERS[name].fate is Fate.CARRIED])
def test_a_carried_member_changes_the_call(name):
    if name == "model":
        assert chat_of("x")["model"] == "x"
        return
    if name == "tool_choice":
        tools = EXAMPLES["tools"]
        assert chat_of(tools=tools) != chat_of(tools=tools, tool_choice={"type": "none"})
        return
    assert chat_of("o3", **{name: EXAMPLES[name]}) != chat_of("o3")
    assert obstacle_of(**{name: EXAMPLES[name]}) is None


@pytest.mark.parametrize("name", [name for name in MEMBERS if MEMBERS[name].fate is Fate.LEFT_OUT])
def test_a_member_that_is_left_out_changes_nothing_and_is_no_obstacle(name):
    value = HARMLESS.get(name, "x")
    assert obstacle_of(**{name: value}) is None
    assert chat_of(**{name: value}) == chat_of()


@pytest.mark.parametrize("name", [name for name in MEMBERS if MEMBERS[name].fate is Fate.REFUSED])
def test_a_member_that_is_refused_is_named(name):
    assert obstacle_of(**{name: "x"}) == name
    assert obstacle_of(**{name: None}) is None


def test_a_member_that_is_not_known_is_an_obstacle_and_only_a_plain_name_is_shown():
    assert obstacle_of(new_feature={}) == "new_feature"
    assert obstacle_of(**{"Anna Smith": 1}) == "a member that is not known"


def test_every_note_says_what_becomes_of_the_member():
    assert all(member.note and not member.note.endswith(".") for member in MEMBERS.values())
