"""Tools that a chat completion call offers, and which of them the model is to use."""

from typing import Any

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.chat_to_messages.schemas import can_hold

_CHOICES = {"auto": "auto", "none": "none", "required": "any"}
_TOOL_KEYS = frozenset({"type", "function", "cache_control"})
_FUNCTION_KEYS = frozenset({"name", "description", "parameters", "strict", "cache_control"})


def carries_tools(tools: Any) -> bool:
    """Whether all tools are functions, and nothing is said of them that would be lost."""
    return type(tools) is not list or all(_carries_tool(tool) for tool in tools)


def carries_choice(choice: Any) -> bool:
    if type(choice) is dict:
        return choice.get("type") == "function"
    return type(choice) is not str or choice in _CHOICES


def write_tools(tools: Any) -> list[dict[str, Any]]:
    """Raises Fault for tools that are not of the OpenAI dialect."""
    if type(tools) is not list:
        raise Fault(Code.INVALID_REQUEST, "`tools` must be a list.", param="tools")
    return [_write_tool(index, tool) for index, tool in enumerate(tools)]


def write_choice(choice: Any, *, is_parallel: bool) -> dict[str, Any]:
    """`choice` may be None, which means `auto`. Raises Fault for one that is not of the OpenAI dialect."""
    if type(choice) is dict:
        written = {"type": "tool", "name": _function_of(choice, "tool_choice")["name"]}
    elif choice is None or (type(choice) is str and choice in _CHOICES):
        written = {"type": _CHOICES[choice or "auto"]}
    else:
        raise Fault(
            Code.INVALID_REQUEST, "`tool_choice` must be auto, none, required or a function.", param="tool_choice"
        )
    if not is_parallel and written["type"] != "none":
        return {**written, "disable_parallel_tool_use": True}
    return written


def tools_used(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tools that earlier turns used: where some were, Anthropic demands a list, also of a call that offers none."""
    names = (block["name"] for turn in turns for block in turn["content"] if block["type"] == "tool_use")
    return [{"name": name, "input_schema": {"type": "object"}} for name in dict.fromkeys(names)]


def _carries_tool(tool: Any) -> bool:
    if type(tool) is not dict:
        return True  # no tool at all: that is said when it is written
    function = tool.get("function")
    if tool.get("type", "function") != "function" or not tool.keys() <= _TOOL_KEYS:
        return False
    return type(function) is not dict or _carries_function(function)


def _carries_function(function: dict[str, Any]) -> bool:
    is_held = bool(function.get("strict") and function.get("parameters"))
    return function.keys() <= _FUNCTION_KEYS and (not is_held or can_hold(function["parameters"]))


def _write_tool(index: int, tool: Any) -> dict[str, Any]:
    place = f"tools[{index}]"
    function = _function_of(tool, place)
    written: dict[str, Any] = {"name": function["name"]}
    if function.get("description"):
        written["description"] = function["description"]
    is_strict = bool(function.get("strict"))
    written["input_schema"] = _schema_of(function.get("parameters"), f"{place}.function.parameters", is_strict)
    if is_strict:
        written["strict"] = True
    mark = tool.get("cache_control") or function.get("cache_control")
    if mark:
        written["cache_control"] = mark
    return written


def _schema_of(parameters: Any, place: str, is_strict: bool) -> dict[str, Any]:
    """Without parameters a function takes an empty object; a schema says that it is one."""
    if parameters is None:
        parameters = {}
    if type(parameters) is not dict:
        raise Fault(Code.INVALID_REQUEST, f"`{place}` must be an object.", param=place)
    if not parameters and is_strict:
        return {"type": "object", "properties": {}, "additionalProperties": False}
    return parameters if "type" in parameters else {"type": "object", **parameters}


def _function_of(holder: Any, place: str) -> dict[str, Any]:
    function = holder.get("function") if type(holder) is dict else None
    if type(function) is not dict or type(function.get("name")) is not str:
        raise Fault(Code.INVALID_REQUEST, f"`{place}` must have a `function` with a `name`.", param=place)
    return function
