"""Content blocks: `test_messages.py` holds the whole table; here are the shapes that do not fit it."""

import pytest

from keeptrusts.contract.call import Role
from keeptrusts.providers.anthropic.blocks import collect_block, collect_blocks, state_of_blocks
from keeptrusts.providers.inventory import Inventory
from unit.providers.canaries import check_texts, kinds


def test_identifiers_beside_a_text_are_left_alone():
    block = {"type": "text", "text": "SEEN", "id": "kept", "cache_control": {"type": "kept"}, "new": "SEEN"}
    found = Inventory()
    collect_block(found, (), block, Role.USER)
    check_texts(block, found.texts)


@pytest.mark.parametrize("kind", [None, 5, "", ["text"], "a\nb"])
def test_a_block_without_a_type_is_unreadable(kind):
    found = Inventory()
    collect_block(found, (1,), {"type": kind, "text": "kept"}, Role.USER)
    assert kinds(found) == {(1,): "unknown"}
    assert found.texts == []


def test_an_error_of_a_tool_at_the_provider_is_read():
    found = Inventory()
    content = [
        {"type": "web_fetch_tool_result", "content": {"type": "web_fetch_tool_result_error", "error_code": "kept"}}
    ]
    collect_blocks(found, (), content, Role.ASSISTANT)
    assert (found.texts, found.unreadable) == ([], [])


def test_files_at_the_provider_are_found_at_any_depth():
    image = {"type": "image", "source": {"type": "file", "file_id": "kept"}}
    content = [
        {"type": "tool_result", "content": [image]},
        {"type": "document", "source": {"type": "content", "content": [image]}},
        "text",
    ]
    assert state_of_blocks(("c",), content) == [
        ("c", 0, "content", 0, "source", "file_id"),
        ("c", 1, "source", "content", 0, "source", "file_id"),
    ]
