"""What counts as a text, and what as unreadable."""

from keeptrusts.contract.call import Form, Role, Text
from keeptrusts.providers.inventory import Inventory
from unit.providers.canaries import check_texts, kinds


def test_a_string_is_a_text_and_an_empty_one_is_not():
    found = Inventory()
    found.text(("a",), "x", Role.SYSTEM, Form.JSON)
    found.text(("b",), "", Role.USER)
    found.text(("c",), None, Role.USER)
    assert found.texts == [Text(("a",), "x", Role.SYSTEM, Form.JSON)]


def test_anything_else_at_the_place_of_a_text_is_judged_string_by_string():
    tree = {"a": {"x": ["SEEN", {"deep": "SEEN", "id": "kept", "n": 4}], "type": "kept"}}
    found = Inventory()
    found.text(("a",), tree["a"], Role.USER)
    check_texts(tree, found.texts)


def test_content_that_is_no_text_is_unreadable_wherever_it_hides():
    found = Inventory()
    found.strings((), {"part": [{"image_url": {"url": "x"}, "file_data": "x", "b64_json": None}]}, Role.USER)
    assert kinds(found) == {("part", 0, "image_url"): "image_url", ("part", 0, "file_data"): "file_data"}
    assert found.texts == []


def test_every_string_of_a_tools_input_is_a_text():
    tree = {"id": "SEEN", "type": ["SEEN"], "image_url": "SEEN", "n": None}
    found = Inventory()
    found.arguments((), tree, Role.ASSISTANT)
    check_texts(tree, found.texts)


def test_of_a_schema_only_descriptions_are_texts():
    tree = {
        "description": "SEEN",
        "title": "kept",
        "properties": {
            "description": {"description": "SEEN", "default": {"description": "kept"}},
            "enum": {"enum": ["kept"]},
        },
        "$defs": {"const": {"const": {"description": "kept"}, "anyOf": [{"description": "SEEN"}, True]}},
        "items": {"description": "SEEN"},
        "required": ["kept"],
    }
    found = Inventory()
    found.schema((), tree)
    check_texts(tree, found.texts)


def test_the_kind_of_a_part_is_shown_only_if_it_is_a_plain_word():
    found = Inventory()
    for at, kind in enumerate(["input_audio", "a\nb", "x" * 65, None, 5, "", "token: s3cr3t!"]):
        found.unread((at,), kind)
    assert list(kinds(found).values()) == ["input_audio", *["unknown"] * 6]
