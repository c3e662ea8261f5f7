"""Tools and the choice among them."""

import pytest

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.chat_to_messages.tools import (
    carries_choice,
    carries_tools,
    write_choice,
    write_tools,
)

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False}


def test_a_function_becomes_a_tool():
    function = {"name": "weather", "description": "says it", "parameters": SCHEMA, "strict": True}
    (tool,) = write_tools([{"type": "function", "function": function, "cache_control": {"type": "ephemeral"}}])
    assert tool == {
        "name": "weather",
        "description": "says it",
        "input_schema": SCHEMA,
        "strict": True,
        "cache_control": {"type": "ephemeral"},
    }


@pytest.mark.parametrize("parameters", [None, {}])
def test_a_function_without_parameters_takes_an_empty_object(parameters):
    function = {"name": "now", "parameters": parameters, "strict": False}
    assert write_tools([{"type": "function", "function": function}]) == [
        {"name": "now", "input_schema": {"type": "object"}}
    ]


def test_a_strict_function_is_held_to_its_schema_or_refused():
    function = {"name": "now", "strict": True}
    (tool,) = write_tools([{"type": "function", "function": function}])
    assert tool["input_schema"] == {"type": "object", "properties": {}, "additionalProperties": False}
    assert carries_tools([{"type": "function", "function": {**function, "parameters": SCHEMA}}])
    open_schema = {"type": "object", "properties": {}}
    assert not carries_tools([{"type": "function", "function": {**function, "parameters": open_schema}}])
    assert carries_tools([{"type": "function", "function": {"name": "now", "parameters": open_schema}}])


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (None, {"type": "auto"}),
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
    ],
)
def test_each_choice_has_its_word_and_one_call_at_a_time_is_said_with_it(choice, written):
    assert write_choice(choice, is_parallel=True) == written
    single = {} if choice == "none" else {"disable_parallel_tool_use": True}
    assert write_choice(choice, is_parallel=False) == written | single


@pytest.mark.parametrize("tools", ["x", [5], [{}], [{"function": {}}], [{"function": {"name": "f", "parameters": 5}}]])
def test_what_are_no_tools_is_refused_when_it_is_written(tools):
    assert carries_tools(tools)
    with pytest.raises(Fault) as raised:
        write_tools(tools)
    assert raised.value.code is Code.INVALID_REQUEST


@pytest.mark.parametrize("choice", [5, ["auto"], {"type": "function"}])
def test_what_is_no_choice_is_refused_when_it_is_written(choice):
    assert carries_choice(choice)
    with pytest.raises(Fault):
        write_choice(choice, is_parallel=True)
