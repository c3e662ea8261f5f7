"""Items as turns."""

import pytest

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.responses_to_messages.items import find_item_obstacle, write_input

IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUFB"}}


def text(said):
    return {"type": "text", "text": said}


def test_a_string_is_what_the_user_says():
    assert write_input("hi", "be brief") == ([text("be brief")], [{"role": "user", "content": [text("hi")]}])


def test_a_conversation_with_tools_alternates():
    call = {"type": "function_call", "id": "fc_1", "name": "f", "arguments": '{"x":1}', "status": "completed"}
    items = [
        {"role": "developer", "content": "be kind"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "data:image/png;base64,QUFB", "detail": "auto", "file_id": None},
                {"type": "input_file", "file_data": "data:application/pdf;base64,QUFB", "filename": "a.pdf"},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "xxxx"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "b"},
            ],
        },
        {**call, "call_id": "c1"},
        {**call, "call_id": "c2", "arguments": ""},
        {"type": "function_call_output", "call_id": "c1", "output": "r"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "s"}]},
        {"role": "user", "content": "well?"},
    ]
    assert find_item_obstacle(items) is None
    system, turns = write_input(items, "be brief")
    assert system == [text("be brief"), text("be kind")]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert turns[0]["content"][:2] == [text("look"), IMAGE]
    assert turns[0]["content"][2]["title"] == "a.pdf"
    assert turns[1]["content"] == [
        text("a"),
        text("b"),
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "c2", "name": "f", "input": {}},
    ]
    assert turns[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "c1", "content": "r"},
        {"type": "tool_result", "tool_use_id": "c2", "content": "s"},
        text("well?"),
    ]


def test_marks_for_the_cache_are_carried():
    mark = {"type": "ephemeral"}
    part = {"type": "input_text", "text": "a", "cache_control": mark}
    items = [{"role": "user", "content": [part]}, {"role": "user", "content": "b", "cache_control": mark}]
    (turn,) = write_input(items, None)[1]
    assert [block["cache_control"] for block in turn["content"]] == [mark, mark]


@pytest.mark.parametrize(
    ("item", "place"),
    [
        ({"type": "item_reference", "id": "x"}, ""),
        ({"type": "custom_tool_call", "call_id": "x", "name": "f", "input": "x"}, ""),
        ({"type": "function_call", "call_id": "x", "name": "f", "arguments": "{}", "namespace": "n"}, ""),
        ({"role": "user", "content": "x", "ann@example.org": 1}, ""),
        ({"role": "critic", "content": "x"}, ".role"),
        ({"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}, ".content[0]"),
        ({"role": "user", "content": [{"type": "input_file", "file_url": "https://example.org/a"}]}, ".content[0]"),
        ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, ".content[0]"),
        (
            {"role": "assistant", "content": [{"type": "input_image", "image_url": "https://example.org/a"}]},
            ".content[0]",
        ),
        ({"type": "function_call_output", "call_id": "x", "output": [{"type": "new"}]}, ".output[0]"),
    ],
)
def test_what_cannot_be_carried_is_named_by_its_place_and_never_written(item, place):
    assert find_item_obstacle([{"role": "user", "content": "x"}, item]) == f"input[1]{place}"


@pytest.mark.parametrize("item", [{"type": "item_reference"}, {"role": "critic"}, {"role": ["user"]}])
def test_an_item_whose_obstacle_nobody_asked_for_is_not_written(item):
    with pytest.raises(Fault):
        write_input([item], None)


@pytest.mark.parametrize(
    ("items", "param"),
    [
        (None, "input"),
        (5, "input"),
        ([5], "input[0]"),
        ([{"type": 5}], "input[0]"),
        ([{"role": "user", "content": [5]}], "input[0].content[0]"),
        ([{"type": "function_call", "call_id": "x", "arguments": "{}"}], "input[0].name"),
        ([{"type": "function_call", "name": "f", "arguments": "{}"}], "input[0].call_id"),
        ([{"type": "function_call", "call_id": "x", "name": "f", "arguments": "["}], "input[0].arguments"),
        ([{"type": "function_call_output", "output": "x"}], "input[0].call_id"),
    ],
)
def test_what_is_no_input_is_refused_when_it_is_written(items, param):
    assert find_item_obstacle(items) is None
    with pytest.raises(Fault) as raised:
        write_input(items, None)
    assert (raised.value.code, raised.value.param) == (Code.INVALID_REQUEST, param)


def test_instructions_are_a_string():
    with pytest.raises(Fault) as raised:
        write_input("hi", [])
    assert raised.value.param == "instructions"


@pytest.mark.parametrize("role", [[], {}, 1, "tool"])
def test_a_role_that_is_none_is_an_obstacle(role):
    assert find_item_obstacle([{"role": role, "content": "x"}]) == "input[0].role"
