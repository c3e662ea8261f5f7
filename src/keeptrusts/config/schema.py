"""The JSON Schema of the pack language, generated from the types that packs are converted to."""

from typing import Any

import msgspec

from keeptrusts.config.kinds import Kinds
from keeptrusts.config.pack import Pack

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def make_schema(kinds: Kinds) -> dict[str, Any]:
    """The schema of a pack that may use these kinds."""
    types = [Pack, *(kind.spec for kind in kinds.values())]
    (root, *specs), definitions = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    settings = dict(zip(kinds, specs, strict=True))
    definitions["Pack"]["properties"]["policy"] = {
        "type": "object",
        "description": "Settings of policies, by kind.",
        "properties": settings,
        "additionalProperties": False,
        "default": {},
    }
    definitions["Policies"]["properties"]["chain"]["items"] = {"type": "string", "enum": list(kinds)}
    schema = {"$schema": DIALECT, "title": "Keeptrusts policy pack", **root, "$defs": definitions}
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(schema))  # defaults are tuples and structs
    _name_keys_by_pattern(plain)
    _order_sets(plain)
    return plain


def _order_sets(node: Any) -> None:
    """A set's default in a stable order, in place: the schema is published and compared."""
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _order_sets(inner)
    if isinstance(node, dict) and node.get("uniqueItems") and isinstance(node.get("default"), list):
        node["default"].sort()


def _name_keys_by_pattern(node: Any) -> None:
    """Say `patternProperties` for `propertyNames`, in place: the same, but an error for all bad keys, not for each.

    The validator copies the whole mapping into each error, which takes a minute for a few thousand keys.
    """
    if isinstance(node, dict):
        for inner in node.values():
            _name_keys_by_pattern(inner)
        pattern = node.get("propertyNames", {}).get("pattern") if isinstance(node.get("propertyNames"), dict) else None
        if isinstance(pattern, str):
            del node["propertyNames"]
            node["patternProperties"] = {pattern: node["additionalProperties"]}
            node["additionalProperties"] = False
    elif isinstance(node, list):
        for inner in node:
            _name_keys_by_pattern(inner)
