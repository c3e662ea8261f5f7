"""Schemas that a model can be held to."""

import pytest

from keeptrusts.providers.translation.chat_to_messages.schemas import can_hold

CLOSED = {"type": "object", "properties": {}, "additionalProperties": False}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        CLOSED,
        {"type": "string", "enum": ["a"], "format": "date", "pattern": "a"},
        {"type": "array", "items": CLOSED, "minItems": 1},
        {"anyOf": [CLOSED, {"type": "null"}]},
        {**CLOSED, "properties": {"minimum": {"type": "integer"}, "maxLength": {"$ref": "#/$defs/x"}}},
        {**CLOSED, "$defs": {"x": CLOSED}},
    ],
)
def test_closed_schemas_without_bounds_can_be_held(schema):
    assert can_hold(schema)


@pytest.mark.parametrize(
    "schema",
    [
        None,
        True,
        {"type": "object"},
        {"type": ["object", "null"], "properties": {}},
        {**CLOSED, "additionalProperties": True},
        {"type": "integer", "minimum": 0},
        {"type": "array", "items": {"type": "string", "maxLength": 5}},
        {"anyOf": [CLOSED, {"properties": {}}]},
        {**CLOSED, "properties": {"a": {"type": "object"}}},
        {**CLOSED, "$defs": {"x": {"type": "object"}}},
    ],
)
def test_open_or_bounded_schemas_cannot(schema):
    assert not can_hold(schema)
    assert not can_hold({"items": schema})


def test_a_schema_without_end_is_not_walked_to_the_end():
    schema = {}
    for _ in range(100):
        schema = {"items": schema}
    assert not can_hold(schema)
