"""Items of the Responses API: `test_responses.py` holds the whole table; here are the shapes that do not fit it."""

import pytest

from keeptrusts.contract.call import Role
from keeptrusts.providers.inventory import Inventory
from keeptrusts.providers.openai.items import KNOWN_ITEMS, collect_item, state_of_items
from unit.providers.canaries import check_texts, kinds


@pytest.mark.parametrize("kind", sorted(KNOWN_ITEMS))
def test_members_of_known_items_that_are_not_known_are_judged(kind):
    item = {"type": kind, "id": "kept", "call_id": "kept", "encrypted_content": "kept", "new": {"deep": "SEEN"}}
    found = Inventory()
    collect_item(found, (), item, Role.USER)
    check_texts(item, found.texts)
    assert found.unreadable == []


@pytest.mark.parametrize("kind", ["hologram", 5, None, ["message"]])
def test_an_item_of_an_unknown_type_is_unreadable(kind):
    found = Inventory()
    collect_item(found, (2,), {"type": kind, "text": "kept"}, Role.USER)
    assert kinds(found) == {(2,): kind if kind == "hologram" else "unknown"}


def test_arguments_may_be_an_object():
    item = {"type": "function_call", "arguments": {"id": "SEEN"}}
    found = Inventory()
    collect_item(found, (), item, Role.ASSISTANT)
    check_texts(item, found.texts)


def test_references_and_containers_are_state():
    items = [
        {"id": "x"},
        {"role": "user", "content": "x"},
        {"type": "computer_call_output", "output": {"file_id": "x"}},
        "x",
    ]
    assert state_of_items(("i",), items) == [("i", 0, "id"), ("i", 2, "output", "file_id")]


@pytest.mark.parametrize(
    ("kind", "member", "value"),
    [
        ("mcp_call", "output", "found"),
        ("mcp_call", "error", {"type": "mcp_tool_execution_error", "content": "failed"}),
        ("file_search_call", "results", [{"file_id": "file-1", "text": "found"}]),
        ("code_interpreter_call", "outputs", [{"type": "logs", "logs": "found"}]),
    ],
)
def test_what_a_tool_at_the_provider_answered_is_a_tools_text(kind, member, value):
    found = Inventory()
    collect_item(found, ("input", 0), {"type": kind, "id": "a", "arguments": "{}", member: value}, Role.USER)
    assert {text.path[2]: text.role for text in found.texts} == {"arguments": Role.ASSISTANT, member: Role.TOOL}
