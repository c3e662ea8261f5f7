"""Which JSON schemas an Anthropic model can be held to, as strict tools and structured outputs do.

Each object has to be closed, and sizes cannot be bounded. A schema beyond that is refused by Anthropic: better said
before, while another target may still take the call.
"""

from typing import Any

_BOUNDS = frozenset({
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems",
    "minProperties", "maxProperties", "patternProperties",
})  # fmt: skip
_MAPS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "allOf")
_MAX_DEPTH = 32


def can_hold(schema: Any, depth: int = _MAX_DEPTH) -> bool:
    """Whether a model can be held to the schema. Keywords that are not known are left to Anthropic."""
    if type(schema) is not dict or depth == 0 or not _BOUNDS.isdisjoint(schema):
        return False
    if _is_object(schema) and schema.get("additionalProperties") is not False:
        return False
    inner = [value for key in _MAPS if type(schema.get(key)) is dict for value in schema[key].values()]
    inner += [value for key in _LISTS if type(schema.get(key)) is list for value in schema[key]]
    if "items" in schema:
        inner.append(schema["items"])
    return all(can_hold(value, depth - 1) for value in inner)


def _is_object(schema: dict[str, Any]) -> bool:
    kind = schema.get("type")
    return "properties" in schema or kind == "object" or (type(kind) is list and "object" in kind)
