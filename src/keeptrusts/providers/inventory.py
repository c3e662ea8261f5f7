"""What a body holds for policies to judge: its texts, and the parts that no text policy can read.

The rule is to fail closed: a field that is not known is judged, a kind of part that is not known is unreadable. Only
what is listed here as neutral is left alone: identifiers, names, types, signatures, encrypted content.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from keeptrusts.contract.call import Form, Path, Role, Text, Unreadable

NEUTRAL = frozenset({
    "id", "type", "object", "name", "role", "status", "model", "index", "phase", "namespace", "fingerprint",
    "call_id", "tool_call_id", "tool_use_id", "item_id", "file_id", "container_id", "approval_request_id", "skill_id",
    "connector_id", "vector_store_id", "response_id", "previous_response_id", "server_label", "server_name",
    "tool_name", "encrypted_content", "encrypted_index", "encrypted_stdout", "signature", "thought_signature",
    "authorization", "authorization_token", "cache_control", "logprobs", "media_type", "mime_type", "format", "detail",
    "finish_reason", "stop_reason", "error_code", "created_at", "page_age", "obfuscation", "caller", "allowed_callers",
    "native_finish_reason", "content_filter_results", "content_filter_offsets", "prompt_filter_results",
})  # fmt: skip
"""Keys whose strings no person or model reads as text, and which nothing may rewrite."""

BINARY = frozenset({"file_data", "image_url", "b64_json", "partial_image_b64", "audio_url", "video_url"})
"""Keys whose strings stand for content that text policies cannot read."""


class Inventory:
    """Collects texts and unreadable parts while a body is walked. Empty strings say nothing and are left out."""

    __slots__ = ("texts", "unreadable")

    def __init__(self) -> None:
        self.texts: list[Text] = []
        self.unreadable: list[Unreadable] = []

    def text(self, path: Path, value: Any, role: Role, form: Form = Form.PROSE) -> None:
        """One string. Anything else at its place is judged string by string."""
        if type(value) is str:
            if value:
                self.texts.append(Text(path, value, role, form))
        elif value is not None:
            self.strings(path, value, role)

    def strings(self, path: Path, value: Any, role: Role, skip: frozenset[str] = NEUTRAL) -> None:
        """Every string below a value, in place, but for those under a neutral key."""
        if type(value) is str:
            self.text(path, value, role)
        elif type(value) is dict:
            for key, inner in value.items():
                if key in BINARY:
                    if inner:
                        self.unread((*path, key), key)
                elif key not in skip:
                    self.strings((*path, key), inner, role, skip)
        elif type(value) is list:
            for index, inner in enumerate(value):
                self.strings((*path, index), inner, role, skip)

    def arguments(self, path: Path, value: Any, role: Role) -> None:
        """The input of a tool as an object: every string in it is a text, whatever its key."""
        if type(value) is str:
            self.text(path, value, role)
        elif type(value) is dict:
            for key, inner in value.items():
                self.arguments((*path, key), inner, role)
        elif type(value) is list:
            for index, inner in enumerate(value):
                self.arguments((*path, index), inner, role)

    def unread(self, path: Path, kind: Any) -> None:
        """A part that cannot be read. `kind` is shown to people, so only a plain word is."""
        self.unreadable.append(Unreadable(path, kind if type(kind) is str and _WORD.fullmatch(kind) else "unknown"))

    def schema(self, path: Path, value: Any) -> None:
        """The descriptions inside a JSON schema. The schema itself is never touched: names, enums, patterns."""
        if type(value) is dict:
            for key, inner in value.items():
                if key == "description" and type(inner) is str:
                    self.text((*path, key), inner, Role.SYSTEM)
                elif key in _MAPS_OF_SCHEMAS and type(inner) is dict:
                    for name, schema in inner.items():
                        self.schema((*path, key, name), schema)
                elif key not in _DATA_IN_SCHEMAS:
                    self.schema((*path, key), inner)
        elif type(value) is list:
            for index, inner in enumerate(value):
                self.schema((*path, index), inner)

    def members(self, tree: dict[str, Any], readers: "Mapping[str, Reader]", known: frozenset[str], role: Role) -> None:
        """The members of a whole body: each by its own reader; those that are not known, string by string."""
        for key, value in tree.items():
            if type(value) not in _PLAIN:
                read = readers.get(key)
                if read is not None:
                    read(self, (key,), value)
                elif key not in known and key not in NEUTRAL:
                    self.strings((key,), value, role)


Reader: TypeAlias = Callable[[Inventory, Path, Any], None]
"""Collects what one member of a body holds."""

_WORD = re.compile(r"[A-Za-z0-9_. -]{1,64}")

_PLAIN = frozenset({int, float, bool, type(None)})

_MAPS_OF_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_DATA_IN_SCHEMAS = frozenset({"enum", "const", "default", "examples", "required", "type", "pattern", "format"})
