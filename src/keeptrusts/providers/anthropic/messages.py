"""Messages: calls and whole replies."""

import re
from typing import Any

from keeptrusts.contract.call import Call, Path, Role
from keeptrusts.providers.anthropic.blocks import collect_blocks, state_of_blocks
from keeptrusts.providers.fields import read_count, read_flag, read_list
from keeptrusts.providers.inventory import NEUTRAL, Inventory, Reader

_SETTINGS = frozenset({
    "metadata", "stop_sequences", "thinking", "tool_choice", "service_tier", "speed", "container", "context_management",
    "inference_geo", "betas", "anthropic_version", "anthropic_beta", "mcp_servers",
})  # fmt: skip
"""Members of a call with strings that steer the provider and that no person or model reads.

`metadata.user_id` is an identifier, which is never rewritten; `stop_sequences` are compared with output and not read.
"""

REPLY_SETTINGS = frozenset({"usage", "stop_sequence", "container", "context_management", "diagnostics"})

_ROLES = {"assistant": Role.ASSISTANT, "system": Role.SYSTEM}

_CLIENT_TOOLS = re.compile(
    r"(?:custom|bash_\d{8}|text_editor_\d{8}|computer_\d{8}|memory_\d{8}|(?:computer|browser)_toolset_\d{8})"
)
"""Types of tools that the client itself runs."""

_VERSION = re.compile(r"_\d{8}$")


def tool_family(kind: str) -> str:
    """The name of a provider-side tool without its version: `web_search_20250305` is `web_search`."""
    return _VERSION.sub("", kind, count=1)


def describe_messages(call: Call) -> None:
    tree = call.tree
    call.stream = read_flag(tree, "stream")
    call.max_output_tokens = read_count(tree, "max_tokens")
    call.tools, call.server_tools = _describe_tools(tree)
    if call.server_tools:
        call.tool_uses = _uses_of(tree)
    call.service_tier = "fast" if tree.get("speed") == "fast" else "standard"
    call.provider_state = _state_of(tree)


def collect_messages_call(tree: dict[str, Any], found: Inventory) -> None:
    found.members(tree, _CALL_READERS, _SETTINGS, Role.USER)


def collect_messages_reply(tree: dict[str, Any], found: Inventory) -> None:
    found.members(tree, {"content": _collect_answer}, REPLY_SETTINGS, Role.ASSISTANT)


def _collect_answer(found: Inventory, path: Path, content: Any) -> None:
    collect_blocks(found, path, content, Role.ASSISTANT)


def _collect_system(found: Inventory, path: Path, system: Any) -> None:
    collect_blocks(found, path, system, Role.SYSTEM)


def _collect_messages(found: Inventory, path: Path, messages: Any) -> None:
    if type(messages) is not list:
        found.text(path, messages, Role.USER)
        return
    for index, message in enumerate(messages):
        place = (*path, index)
        if type(message) is not dict:
            found.text(place, message, Role.USER)
            continue
        name = message.get("role")
        role = _ROLES.get(name, Role.USER) if type(name) is str else Role.USER
        for key, value in message.items():
            if key == "content":
                collect_blocks(found, (*place, key), value, role)
            elif key not in NEUTRAL:
                found.strings((*place, key), value, role)


def _collect_tools(found: Inventory, path: Path, tools: Any) -> None:
    """What the model reads of tools: descriptions, also those inside schemas, and examples of inputs."""
    for index, tool in enumerate(tools if type(tools) is list else ()):
        place = (*path, index)
        if type(tool) is dict:
            found.text((*place, "description"), tool.get("description"), Role.SYSTEM)
            found.schema((*place, "input_schema"), tool.get("input_schema"))
            found.arguments((*place, "input_examples"), tool.get("input_examples"), Role.SYSTEM)


def _collect_output_config(found: Inventory, path: Path, config: Any) -> None:
    for key in ("format", "schema"):
        holder = config.get(key) if type(config) is dict else None
        schema = holder.get("schema") if key == "format" and type(holder) is dict else holder
        found.schema((*path, key, "schema") if key == "format" else (*path, key), schema)


_CALL_READERS: dict[str, Reader] = {
    "system": _collect_system,
    "messages": _collect_messages,
    "tools": _collect_tools,
    "output_config": _collect_output_config,
    "output_format": _collect_output_config,
}


def _describe_tools(tree: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the client's tools or types of others, and the families of those that run at the provider."""
    names: list[str] = []
    served: list[str] = []
    for tool in read_list(tree, "tools"):
        if type(tool) is not dict:
            continue
        kind, name = tool.get("type") or "custom", tool.get("name")
        if type(kind) is not str:
            kind = "unknown"
        names.append(name if kind == "custom" and type(name) is str else tool_family(kind))
        if not _CLIENT_TOOLS.fullmatch(kind):
            served.append(tool_family(kind))
    if tree.get("mcp_servers"):
        names.append("mcp")
        served.append("mcp")
    return tuple(names), tuple(dict.fromkeys(served))


def _uses_of(tree: dict[str, Any]) -> int | None:
    """How often tools at the provider may run: `max_uses` of web searches, None where another one is among them."""
    uses = 0
    for tool in read_list(tree, "tools"):
        kind = (tool.get("type") or "custom") if type(tool) is dict else "unknown"
        if type(kind) is str and _CLIENT_TOOLS.fullmatch(kind):
            continue
        limit = tool.get("max_uses") if type(kind) is str and tool_family(kind) == "web_search" else None
        if type(limit) is not int or limit < 0:
            return None
        uses += limit
    return None if tree.get("mcp_servers") else uses


def _state_of(tree: dict[str, Any]) -> tuple[Path, ...]:
    """Where a call names an object that lives at the provider."""
    places: list[Path] = []
    container = tree.get("container")
    if type(container) is dict:
        if container.get("id"):
            places.append(("container", "id"))
        skills = container.get("skills")
        places += [
            ("container", "skills", index, "skill_id")
            for index, skill in enumerate(skills if type(skills) is list else ())
            if type(skill) is dict and skill.get("type") != "anthropic"
        ]
    elif container:
        places.append(("container",))
    places += state_of_blocks(("system",), tree.get("system"))
    for index, message in enumerate(read_list(tree, "messages")):
        if type(message) is dict and type(message.get("content")) is list:
            places += state_of_blocks(("messages", index, "content"), message["content"])
    return tuple(places)
