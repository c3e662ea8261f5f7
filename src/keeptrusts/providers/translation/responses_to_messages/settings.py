"""Settings of a call of the Responses API in the words of chat completions, which then are translated like those.

What is no setting at all passes as it is: it is said when it is written.
"""

from typing import Any

_SAME = (
    "parallel_tool_calls",
    "safety_identifier",
    "service_tier",
    "stream",
    "temperature",
    "top_p",
    "user",
)
"""Members that have the same name and meaning."""


def chat_settings(tree: dict[str, Any]) -> dict[str, Any]:
    """The members of a chat completion call that say the same, but for the messages."""
    settings = {key: tree[key] for key in _SAME if tree.get(key) is not None}
    text, reasoning, tools = tree.get("text"), tree.get("reasoning"), tree.get("tools")
    if type(text) is dict:
        settings["response_format"] = chat_format(text.get("format"))
    if type(reasoning) is dict:
        settings["reasoning_effort"] = reasoning.get("effort")
    settings["tools"] = [chat_tool(tool) for tool in tools] if type(tools) is list else tools
    settings["tool_choice"] = chat_choice(tree.get("tool_choice"))
    return settings


def chat_tool(tool: Any) -> Any:
    """A function with its members in an object of their own. Members that are null say nothing."""
    if type(tool) is not dict or tool.get("type") != "function":
        return tool
    function = {key: value for key, value in tool.items() if key not in {"type", "cache_control"} and value is not None}
    outer = {key: tool[key] for key in ("cache_control",) if tool.get(key)}
    return {"type": "function", "function": function, **outer}


def chat_choice(choice: Any) -> Any:
    if type(choice) is dict and choice.get("type") == "function":
        return {"type": "function", "function": {"name": choice.get("name")}}
    return choice


def chat_format(wanted: Any) -> Any:
    if type(wanted) is dict and wanted.get("type") == "json_schema":
        return {"type": "json_schema", "json_schema": {key: value for key, value in wanted.items() if key != "type"}}
    return wanted
