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
    return {"$schema": DIALECT, "title": "Keeptrusts policy pack", **root, "$defs": definitions}
