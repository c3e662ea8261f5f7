"""Tools that a call offers to the model: their descriptions, their names, and which of them run at the provider."""

import re
from typing import Any

from keeptrusts.contract.call import Path, Role
from keeptrusts.providers.inventory import Inventory

_CLIENT_TOOLS = frozenset(
    {"function", "custom", "namespace", "local_shell", "apply_patch", "computer", "computer_use_preview"}
)
"""Types of tools that the client itself runs."""

_SWITCHES = {
    "web_search_options": "web_search",
    "search_parameters": "web_search",
    "plugins": "plugins",
    "data_sources": "data_sources",
}
"""Top-level members that switch a provider-side tool on, and its name."""

TOOL_MEMBERS = frozenset({"tools", "functions", *_SWITCHES})
"""Members of a call that offer tools."""

_VERSION = re.compile(r"(?:_preview)?(?:_\d{4}_\d{2}_\d{2}|_\d{8})?$")


def tool_family(kind: str) -> str:
    """The name of a provider-side tool without its version: `web_search_preview_2025_03_11` is `web_search`."""
    return _VERSION.sub("", kind, count=1)


def collect_tools(found: Inventory, path: Path, tools: Any) -> None:
    """What the model reads of tools: descriptions, also those inside schemas. Names and schemas stay untouched."""
    if type(tools) is not list:
        found.text(path, tools, Role.SYSTEM)
        return
    for index, tool in enumerate(tools):
        place = (*path, index)
        if type(tool) is not dict:
            found.text(place, tool, Role.SYSTEM)
            continue
        for key in ("function", "custom"):
            if type(tool.get(key)) is dict:
                collect_function(found, (*place, key), tool[key])
        collect_function(found, place, tool)
        if tool.get("type") == "namespace":
            collect_tools(found, (*place, "tools"), tool.get("tools"))


def collect_function(found: Inventory, path: Path, function: dict[str, Any]) -> None:
    for key in ("description", "server_description"):
        found.text((*path, key), function.get(key), Role.SYSTEM)
    for key in ("parameters", "input_schema", "output_schema"):
        found.schema((*path, key), function.get(key))


def describe_tools(tree: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names (of functions) or types (of other tools), and the families of those that run at the provider."""
    names: list[str] = []
    served: list[str] = [name for key, name in _SWITCHES.items() if tree.get(key) is not None]
    names += served
    for tool in iter_tools(tree):
        kind = tool.get("type", "function")
        if type(kind) is not str:
            kind = "unknown"
        said = _names_of(tool) if kind in {"function", "custom"} else ()
        names += said or (tool_family(kind),)
        if _runs_at_provider(kind, tool):
            served.append(tool_family(kind))
    return tuple(names), tuple(dict.fromkeys(served))


def iter_tools(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """The tools of a call, those inside namespaces and the older `functions` too."""
    listed: list[dict[str, Any]] = []
    for key in ("tools", "functions"):
        tools = tree.get(key)
        for tool in tools if type(tools) is list else ():
            if type(tool) is dict:
                listed.append(tool)
                if tool.get("type") == "namespace":
                    listed += iter_tools(tool)
    return listed


def _runs_at_provider(kind: str, tool: dict[str, Any]) -> bool:
    if kind == "shell":
        environment = tool.get("environment")
        return type(environment) is not dict or environment.get("type") != "local"
    return kind not in _CLIENT_TOOLS


def _names_of(tool: dict[str, Any]) -> tuple[str, ...]:
    """Every name that a tool gives itself: which of them counts depends on the route, so none is left out."""
    holders = (tool.get("function"), tool.get("custom"), tool)
    names = (holder.get("name") for holder in holders if type(holder) is dict)
    return tuple(dict.fromkeys(name for name in names if type(name) is str))
