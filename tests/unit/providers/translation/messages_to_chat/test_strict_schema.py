import pytest

from keeptrusts.providers.translation.messages_to_chat.strict_schema import is_strict

CLOSED = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "schema",
    [
        CLOSED,
        {"type": "object", "properties": {}, "additionalProperties": False},
        {**CLOSED, "properties": {"a": CLOSED}},
        {**CLOSED, "properties": {"a": {"type": "array", "items": CLOSED}}},
        {**CLOSED, "properties": {"a": {"anyOf": [CLOSED, {"type": "null"}]}}},
        {**CLOSED, "properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": CLOSED}},
    ],
)
def test_closed_objects_that_require_all_their_members_are_strict(schema):
    assert is_strict(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {**CLOSED, "additionalProperties": True},
        {"type": "object"},
        {"properties": {"a": {}}},
        {**CLOSED, "required": []},
        {**CLOSED, "required": "a"},
        {**CLOSED, "properties": []},
        {**CLOSED, "properties": {"a": {"type": "object"}}},
        {**CLOSED, "properties": {"a": {"items": {"type": "object"}}}},
        {**CLOSED, "properties": {"a": {"anyOf": [{"type": "object"}]}}},
        {**CLOSED, "$defs": {"x": {"type": "object"}}},
        {**CLOSED, "allOf": []},
        {**CLOSED, "patternProperties": {}},
        {**CLOSED, "properties": {"a": True}},
        None,
        [],
    ],
)
def test_any_other_schema_is_not(schema):
    assert not is_strict(schema)


def test_a_schema_without_end_is_not():
    schema: dict[str, object] = {"type": "string"}
    for _ in range(50):
        schema = {"type": "array", "items": schema}
    assert not is_strict(schema)
