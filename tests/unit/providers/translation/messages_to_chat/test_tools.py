import pytest

from keeptrusts.contract.faults import Code, Fault
from unit.providers.translation.messages_to_chat.calling import chat_of, obstacle_of

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"name": "weather", "description": "Tells it.", "input_schema": SCHEMA}


def test_a_tool_becomes_a_function():
    assert chat_of(tools=[{**TOOL, "type": "custom", "cache_control": {"type": "ephemeral"}}])["tools"] == [
        {"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": SCHEMA}}
    ]


def test_a_schema_without_properties_gets_an_empty_list_of_them():
    (tool,) = chat_of(tools=[{"name": "now", "input_schema": {"type": "object"}}])["tools"]
    assert tool["function"] == {"name": "now", "parameters": {"type": "object", "properties": {}}}


def test_strict_is_carried_where_the_schema_can_be():
    closed = {**SCHEMA, "additionalProperties": False}
    (tool,) = chat_of(tools=[{**TOOL, "input_schema": closed, "strict": True}])["tools"]
    assert tool["function"]["strict"] is True
    assert obstacle_of(tools=[{**TOOL, "input_schema": closed, "strict": True}]) is None
    assert obstacle_of(tools=[{**TOOL, "strict": True}]) == "tools[0].strict"
    assert obstacle_of(tools=[{**TOOL, "strict": False}]) is None


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ({"type": "auto"}, {"tool_choice": "auto"}),
        ({"type": "any"}, {"tool_choice": "required"}),
        ({"type": "none"}, {"tool_choice": "none"}),
        ({"type": "tool", "name": "weather"}, {"tool_choice": {"type": "function", "function": {"name": "weather"}}}),
        (
            {"type": "auto", "disable_parallel_tool_use": True},
            {"tool_choice": "auto", "parallel_tool_calls": False},
        ),
        ({"type": "auto", "disable_parallel_tool_use": False}, {"tool_choice": "auto"}),
    ],
)
def test_a_choice_is_said_in_chats_words(choice, written):
    chat = chat_of(tools=[TOOL], tool_choice=choice)
    assert {key: chat[key] for key in chat if key in {"tool_choice", "parallel_tool_calls"}} == written


def test_a_choice_among_no_tools_is_not_said():
    assert "tool_choice" not in chat_of(tool_choice={"type": "auto"}, tools=[])
    assert "tools" not in chat_of(tools=[])


@pytest.mark.parametrize(
    ("tool", "place"),
    [
        ({"type": "web_search_20250305", "name": "web_search"}, "tools[1].type"),
        ({**TOOL, "type": ["custom"]}, "tools[1].type"),
        ({"type": "bash_20250124", "name": "bash"}, "tools[1].type"),
        ({"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}, "tools[1].type"),
        ({"type": "computer_20250124", "name": "computer"}, "tools[1].type"),
        ({**TOOL, "name": "x" * 65}, "tools[1].name"),
        ({**TOOL, "allowed_callers": ["code_execution_20250825"]}, "tools[1].allowed_callers"),
        ({**TOOL, "defer_loading": True}, "tools[1].defer_loading"),
        ({**TOOL, "input_examples": [{"city": "Rome"}]}, "tools[1].input_examples"),
        ({**TOOL, "new_member": 1}, "tools[1].new_member"),
    ],
)
def test_a_tool_that_is_no_function_is_an_obstacle_with_its_place(tool, place):
    assert obstacle_of(tools=[TOOL, tool]) == place


@pytest.mark.parametrize(
    "member",
    [
        {"allowed_callers": ["direct"]},
        {"allowed_callers": []},
        {"defer_loading": False},
        {"input_examples": []},
        {"eager_input_streaming": True},
        {"name": "x" * 64},
    ],
)
def test_a_member_that_changes_nothing_is_none(member):
    assert obstacle_of(tools=[{**TOOL, **member}]) is None


def test_a_choice_of_another_kind_is_an_obstacle():
    assert obstacle_of(tools=[TOOL], tool_choice={"type": "best"}) == "tool_choice.type"
    assert obstacle_of(tools=[TOOL], tool_choice={"type": "tool", "name": "x"}) is None


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"tools": [{"name": "x"}]}, "tools[0]"),
        ({"tools": ["x"]}, "tools[0]"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tools": [{**TOOL, "description": 5}]}, "tools[0].description"),
        ({"tools": [TOOL], "tool_choice": "auto"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"tools": [TOOL], "tool_choice": {}}, "tool_choice.type"),
    ],
)
def test_what_is_no_tool_is_refused_by_its_place(members, param):
    assert obstacle_of(**members) is None
    with pytest.raises(Fault) as raised:
        chat_of(**members)
    assert (raised.value.code, raised.value.param) == (Code.INVALID_REQUEST, param)
