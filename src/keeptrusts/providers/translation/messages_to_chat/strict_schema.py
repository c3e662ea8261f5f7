"""Which JSON schemas an OpenAI model can be held to: those that its strict mode accepts."""

from typing import Any

_REFUSED = frozenset({
    "allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties",
    "unevaluatedProperties", "propertyNames", "contains", "prefixItems",
})  # fmt: skip
_MAPS = ("properties", "$defs", "definitions")
_MAX_DEPTH = 32


def is_strict(schema: Any, depth: int = _MAX_DEPTH) -> bool:
    """Whether every object in the schema is closed and requires all that it names. The keywords left are known."""
    if type(schema) is not dict or depth == 0 or not _REFUSED.isdisjoint(schema):
        return False
    properties = schema.get("properties")
    if properties is not None or schema.get("type") == "object":
        required = schema.get("required", [])
        if (
            type(properties) is not dict
            or type(required) is not list
            or schema.get("additionalProperties") is not False
        ):
            return False
        if not properties.keys() <= {name for name in required if type(name) is str}:
            return False
    inner = [value for key in _MAPS for value in _values(schema.get(key))]
    inner += schema["anyOf"] if type(schema.get("anyOf")) is list else []
    inner += [schema["items"]] if "items" in schema else []
    return all(is_strict(value, depth - 1) for value in inner)


def _values(holder: Any) -> list[Any]:
    return list(holder.values()) if type(holder) is dict else []
