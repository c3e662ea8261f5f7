"""The client's own tools as functions, and which of them the model may, must or must not call."""

from typing import Any

from keeptrusts.providers.translation.fate import shown
from keeptrusts.providers.translation.messages_to_chat.blocks import invalid, text_of
from keeptrusts.providers.translation.messages_to_chat.strict_schema import is_strict

MAX_NAME = 64
"""Characters of a function's name; Anthropic takes twice as many."""

_CARRIED = frozenset({"type", "name", "description", "input_schema", "strict"})
_LEFT_OUT = frozenset({"cache_control", "eager_input_streaming"})
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def find_in_tools(tools: Any) -> str | None:
    """The first tool that is no function: one that runs at the provider, or one whose schema only Claude knows."""
    if type(tools) is not list:
        return None
    for index, tool in enumerate(tools):
        found = _find_in_tool(tool) if type(tool) is dict else None
        if found is not None:
            return f"[{index}]{found}"
    return None


def _find_in_tool(tool: dict[str, Any]) -> str | None:
    if tool.get("type") not in (None, "custom"):
        return ".type"
    if tool.get("allowed_callers") not in (None, [], ["direct"]):
        return ".allowed_callers"
    name = tool.get("name")
    if type(name) is str and len(name) > MAX_NAME:
        return ".name"
    if tool.get("strict") and not is_strict(tool.get("input_schema")):
        return ".strict"
    for key, value in tool.items():
        if value and key not in _CARRIED and key not in _LEFT_OUT and key != "allowed_callers":
            return f".{shown(key)}"
    return None


def find_in_choice(choice: Any) -> str | None:
    kind = choice.get("type") if type(choice) is dict else None
    return ".type" if type(kind) is str and kind not in _CHOICES and kind != "tool" else None


def write_tools(tree: dict[str, Any]) -> dict[str, Any]:
    """The members of a chat call that say what tools there are. Raises Fault(INVALID_REQUEST)."""
    tools = tree.get("tools")
    if not tools:
        return {}  # chat refuses a choice among no tools
    if type(tools) is not list:
        raise invalid("tools", "must be a list")
    written = {"tools": [_write_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools)]}
    choice = tree.get("tool_choice")
    return written if choice is None else written | _write_choice(choice)


def _write_tool(tool: Any, place: str) -> dict[str, Any]:
    if type(tool) is not dict or type(tool.get("input_schema")) is not dict:
        raise invalid(place, "must be a tool with a `name` and an `input_schema`")
    function: dict[str, Any] = {"name": text_of(tool, "name", place)}
    if tool.get("description") is not None:
        function["description"] = text_of(tool, "description", place)
    function["parameters"] = _write_schema(tool["input_schema"])
    if tool.get("strict"):
        function["strict"] = True
    return {"type": "function", "function": function}


def _write_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """OpenAI refuses the schema of an object that names no properties."""
    return {**schema, "properties": {}} if schema.get("type") == "object" and "properties" not in schema else schema


def _write_choice(choice: Any) -> dict[str, Any]:
    if type(choice) is not dict:
        raise invalid("tool_choice", "must be an object")
    kind = choice.get("type")
    if kind == "tool":
        function = {"name": text_of(choice, "name", "tool_choice")}
        written: dict[str, Any] = {"tool_choice": {"type": "function", "function": function}}
    elif type(kind) is str and kind in _CHOICES:
        written = {"tool_choice": _CHOICES[kind]}
    else:
        raise invalid("tool_choice.type", "must be auto, any, tool or none")
    if choice.get("disable_parallel_tool_use") is True:
        written["parallel_tool_calls"] = False
    return written
