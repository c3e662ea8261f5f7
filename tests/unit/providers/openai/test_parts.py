"""Content parts: `test_chat.py` holds the whole table; here are the shapes that do not fit it."""

import pytest

from keeptrusts.contract.call import Role
from keeptrusts.providers.inventory import Inventory
from keeptrusts.providers.openai.parts import TEXT_FIELDS, collect_message, collect_part, state_of_parts
from unit.providers.canaries import check_texts, kinds


@pytest.mark.parametrize("kind", list(TEXT_FIELDS))
def test_every_text_part_is_judged_and_its_identifiers_are_not(kind):
    part = {"type": kind, TEXT_FIELDS[kind]: "SEEN", "id": "kept", "signature": "kept", "new": ["SEEN"]}
    found = Inventory()
    collect_part(found, (), part, Role.USER)
    check_texts(part, found.texts)


@pytest.mark.parametrize("part", [{"text": "kept"}, {"type": ["text"], "text": "kept"}, {"type": 5}])
def test_a_part_without_a_type_is_unreadable(part):
    found = Inventory()
    collect_part(found, (0,), part, Role.USER)
    assert kinds(found) == {(0,): "unknown"}


@pytest.mark.parametrize(
    "message",
    [
        {"role": ["x"], "content": "SEEN"},
        {"content": {"any": "SEEN"}},
        {"role": "assistant", "audio": "SEEN", "function_call": "SEEN", "tool_calls": ["SEEN"]},
        {"role": "assistant", "tool_calls": [{"id": "kept", "function": "SEEN", "new": "SEEN"}]},
        "SEEN",
    ],
)
def test_unexpected_shapes_are_judged_string_by_string(message):
    tree = {"m": message}
    found = Inventory()
    collect_message(found, ("m",), message)
    check_texts(tree, found.texts)


def test_files_at_the_provider_are_found():
    parts = [
        {"type": "file", "file": {"file_id": "x"}},
        {"type": "input_file", "file_id": "x"},
        "text",
        {"type": "text"},
    ]
    assert state_of_parts((), parts) == [(0, "file", "file_id"), (1, "file_id")]
    assert state_of_parts((), "text") == []
