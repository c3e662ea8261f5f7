"""A call as a whole."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from keeptrusts.contract.call import Route
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.catalog import dialect_of
from keeptrusts.providers.translation.chat_to_messages.call import (
    DEFAULT_MAX_TOKENS,
    DEFAULT_MAX_TOKENS_THINKING,
    write_call,
)
from keeptrusts.providers.translation.chat_to_messages.members import MEMBERS
from keeptrusts.providers.translation.chat_to_messages.reply import read_reply
from keeptrusts.providers.translation.fate import Fate

HI = [{"role": "user", "content": "hi"}]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}


def translated(*, upstream="claude-sonnet-5", limit=None, changes=None, **members):
    body = json.dumps({"model": "asked", "messages": HI, **members}).encode()
    call = dialect_of(Route.CHAT).read_call(Route.CHAT, body, b"application/json")
    return json.loads(write_call(call, model=upstream, changes=changes or {}, max_output_tokens=limit))


def test_the_plainest_call():
    assert translated(metadata={"a": "b"}, seed=5, store=True) == {
        "model": "claude-sonnet-5",
        "max_tokens": DEFAULT_MAX_TOKENS,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }


@pytest.mark.parametrize(
    ("members", "limit", "sent"),
    [
        ({}, None, DEFAULT_MAX_TOKENS),
        ({"reasoning_effort": "low"}, None, DEFAULT_MAX_TOKENS_THINKING),
        ({"reasoning_effort": "none"}, None, DEFAULT_MAX_TOKENS),
        ({"thinking": {"type": "adaptive"}}, None, DEFAULT_MAX_TOKENS_THINKING),
        ({}, 7, 7),
        ({"max_tokens": 5}, 7, 5),
        ({"max_tokens": 5, "max_completion_tokens": 6}, 7, 6),
    ],
)
def test_the_limit_is_the_calls_else_the_targets_else_ours(members, limit, sent):
    assert translated(limit=limit, **members)["max_tokens"] == sent


CARRIED = {
    "max_completion_tokens": (9, {"max_tokens": 9}),
    "max_tokens": (9, {"max_tokens": 9}),
    "messages": ([{"role": "system", "content": "a"}, *HI], {"system": [{"type": "text", "text": "a"}]}),
    "model": ("x", {"model": "claude-sonnet-5"}),
    "reasoning_effort": ("high", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
    "response_format": (FORMAT, {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}),
    "safety_identifier": ("u", {"metadata": {"user_id": "u"}}),
    "service_tier": ("default", {"service_tier": "standard_only"}),
    "stop": ("END", {"stop_sequences": ["END"]}),
    "stream": (True, {"stream": True}),
    "stream_options": ({"include_usage": True}, {}),
    "temperature": (0.5, {"temperature": 0.5}),
    "thinking": ({"type": "adaptive"}, {"thinking": {"type": "adaptive"}}),
    "tools": (TOOLS, {"tools": [{"name": "f", "input_schema": {"type": "object"}}]}),
    "top_k": (5, {"top_k": 5}),
    "top_p": (0.5, {"top_p": 0.5}),
    "user": ("u", {"metadata": {"user_id": "u"}}),
}
WITH_TOOLS = {
    "parallel_tool_calls": (False, {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}),
    "tool_choice": ("required", {"tool_choice": {"type": "any"}}),
}


@pytest.mark.parametrize("key", [key for key, member in MEMBERS.items() if member.fate is Fate.CARRIED])
def test_what_the_table_says_is_carried_arrives(key):
    value, expected = CARRIED.get(key) or WITH_TOOLS[key]
    sent = translated(**{key: value}, **({"tools": TOOLS} if key in WITH_TOOLS else {}))
    assert sent | expected == sent


def test_effort_and_format_share_a_member():
    sent = translated(reasoning_effort="low", response_format=FORMAT)
    assert sent["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}}


def test_what_a_format_is_for_is_said_in_its_schema():
    inner = {"name": "x", "schema": {**SCHEMA, "description": "b"}, "description": "a"}
    sent = translated(response_format={"type": "json_schema", "json_schema": inner})
    assert sent["output_config"]["format"]["schema"]["description"] == "a\n\nb"
    assert "output_config" not in translated(response_format={"type": "text"})


def test_the_identifier_of_the_user_that_replaces_the_other_comes_first():
    assert translated(user="old", safety_identifier="new")["metadata"] == {"user_id": "new"}


@pytest.mark.parametrize("choice", ["auto", "none", None])
def test_a_choice_without_tools_says_nothing(choice):
    assert "tool_choice" not in translated(tool_choice=choice, parallel_tool_calls=False, tools=[])
    assert translated(tool_choice="required")["tool_choice"] == {"type": "any"}


def test_a_call_that_offers_no_tools_any_more_forbids_those_that_were_used():
    use = {"id": "a", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        *HI,
        {"role": "assistant", "tool_calls": [use, use | {"id": "b"}]},
        *({"role": "tool", "tool_call_id": name, "content": "x"} for name in "ab"),
    ]
    sent = translated(messages=messages)
    assert sent["tools"] == [{"name": "f", "input_schema": {"type": "object"}}]
    assert sent["tool_choice"] == {"type": "none"}


said = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9).filter(lambda text: not text.isspace())
given_inputs = st.dictionaries(said, said | st.integers() | st.booleans() | st.none() | st.lists(said), max_size=3)
uses = st.lists(given_inputs, max_size=3).map(
    lambda inputs: [
        {"type": "tool_use", "id": f"toolu_{index}", "name": "f", "input": given} for index, given in enumerate(inputs)
    ]
)


@given(texts=st.lists(said, max_size=2), uses=uses)
@settings(max_examples=60, deadline=None)
def test_an_answer_that_is_sent_back_arrives_as_it_was_given(texts, uses):
    blocks = [*({"type": "text", "text": text} for text in texts), *uses]
    reply = read_reply(json.dumps({"id": "m", "content": blocks}).encode(), model="m", created=1)
    message = ChatCompletion.model_validate_json(reply.body).choices[0].message
    results = [{"role": "tool", "tool_call_id": use["id"], "content": "x"} for use in uses]
    turns = translated(messages=[*HI, message.model_dump(), *results])["messages"]
    expected = [{"type": "text", "text": "".join(texts)}] if texts else []
    assert [block for turn in turns[1:2] for block in turn["content"]] == [*expected, *uses]


def test_changes_arrive_and_what_they_replace_does_not():
    sent = translated(changes={("messages", 0, "content"): "[NAME]"})
    assert sent["messages"] == [{"role": "user", "content": [{"type": "text", "text": "[NAME]"}]}]


def test_an_earlier_model_that_gets_results_is_not_asked_to_think_on():
    messages = [
        *HI,
        {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "x"},
    ]
    asked = {"reasoning_effort": "low", "max_tokens": 8000}
    assert "thinking" not in translated(upstream="claude-opus-4-5", messages=messages, **asked)
    assert "thinking" in translated(upstream="claude-opus-4-5", **asked)
    assert "thinking" in translated(upstream="claude-opus-4-6", messages=messages, **asked)


@pytest.mark.parametrize(
    ("key", "value"),
    [("reasoning_effort", "much"), ("response_format", 5), ("response_format", {"type": "json_schema"}), ("tools", 5)],
)
def test_what_is_not_of_the_dialect_is_refused(key, value):
    with pytest.raises(Fault) as raised:
        translated(**{key: value})
    assert (raised.value.code, raised.value.param) == (Code.INVALID_REQUEST, key)


@pytest.mark.parametrize(("newer", "sent"), [(100, 100), (None, 500)])
def test_of_two_limits_the_newer_name_counts(newer, sent):
    assert translated(max_tokens=500, max_completion_tokens=newer)["max_tokens"] == sent
