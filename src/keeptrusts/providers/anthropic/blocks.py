"""Content blocks of messages, in calls and in replies."""

from collections.abc import Callable
from typing import Any

from keeptrusts.contract.call import Path, Role
from keeptrusts.providers.inventory import NEUTRAL, Inventory

_TEXT_FIELDS = {"text": "text", "thinking": "thinking", "compaction": "content"}
_TOOL_USES = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
_RESULTS = frozenset({
    "tool_result", "mcp_tool_result", "web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result",
    "bash_code_execution_tool_result", "text_editor_code_execution_tool_result", "tool_search_tool_result",
    "advisor_tool_result",
})  # fmt: skip
_RESULT_PARTS = frozenset({
    "web_search_result", "web_search_tool_result_error", "web_fetch_result", "web_fetch_tool_result_error",
    "code_execution_result", "code_execution_tool_result_error", "encrypted_code_execution_result",
    "bash_code_execution_result", "bash_code_execution_tool_result_error", "text_editor_code_execution_view_result",
    "text_editor_code_execution_create_result", "text_editor_code_execution_str_replace_result",
    "text_editor_code_execution_tool_result_error", "tool_search_tool_search_result", "tool_search_tool_result_error",
    "code_execution_output", "bash_code_execution_output", "advisor_result",
})  # fmt: skip
"""What results of tools at the provider consist of; the files that they name lie there, and nothing else is hidden."""


def collect_blocks(found: Inventory, path: Path, content: Any, role: Role) -> None:
    """A string, or a list of blocks."""
    if type(content) is list:
        for index, block in enumerate(content):
            collect_block(found, (*path, index), block, role)
    elif type(content) is dict:
        collect_block(found, path, content, role)
    else:
        found.text(path, content, role)


def collect_block(found: Inventory, path: Path, block: Any, role: Role) -> None:
    """One block. A type that is not known is unreadable."""
    if type(block) is not dict:
        found.text(path, block, role)
        return
    kind = block.get("type")
    read = _BLOCKS.get(kind) if type(kind) is str else None
    if read is not None:
        read(found, path, block, role)
    else:
        found.unread(path, kind)


def _collect_text(found: Inventory, path: Path, block: dict[str, Any], role: Role) -> None:
    field = _TEXT_FIELDS[block["type"]]
    for key, value in block.items():
        if key == field:
            found.text((*path, key), value, role)
        elif key not in NEUTRAL:
            found.strings((*path, key), value, role)


def _collect_tool_use(found: Inventory, path: Path, block: dict[str, Any], _role: Role) -> None:
    found.arguments((*path, "input"), block.get("input"), Role.ASSISTANT)


def _collect_tool_result(found: Inventory, path: Path, block: dict[str, Any], _role: Role) -> None:
    collect_blocks(found, (*path, "content"), block.get("content"), Role.TOOL)


def _collect_search_result(found: Inventory, path: Path, block: dict[str, Any], role: Role) -> None:
    found.text((*path, "title"), block.get("title"), role)
    found.text((*path, "source"), block.get("source"), role)
    collect_blocks(found, (*path, "content"), block.get("content"), role)


def _skip(_found: Inventory, _path: Path, _block: dict[str, Any], _role: Role) -> None:
    """Encrypted content, and names."""


def _collect_result(found: Inventory, path: Path, block: dict[str, Any], _role: Role) -> None:
    for key, value in block.items():
        if key == "content" and type(value) is not str:
            collect_blocks(found, (*path, key), value, Role.TOOL)
        elif key not in NEUTRAL:
            found.strings((*path, key), value, Role.TOOL)


def _collect_document(found: Inventory, path: Path, block: dict[str, Any], role: Role) -> None:
    found.text((*path, "title"), block.get("title"), role)
    found.text((*path, "context"), block.get("context"), role)
    source = block.get("source")
    kind = source.get("type") if type(source) is dict else None
    if type(source) is dict and kind == "text":
        found.text((*path, "source", "data"), source.get("data"), role)
    elif type(source) is dict and kind == "content":
        collect_blocks(found, (*path, "source", "content"), source.get("content"), role)
    else:
        found.unread(path, "document")


_BLOCKS: dict[str, Callable[[Inventory, Path, dict[str, Any], Role], None]] = {
    **dict.fromkeys(_TEXT_FIELDS, _collect_text),
    **dict.fromkeys(_TOOL_USES, _collect_tool_use),
    **dict.fromkeys(_RESULTS, _collect_tool_result),
    **dict.fromkeys(_RESULT_PARTS, _collect_result),
    "search_result": _collect_search_result,
    "document": _collect_document,
    "redacted_thinking": _skip,
    "tool_reference": _skip,
}


def state_of_blocks(path: Path, content: Any) -> list[Path]:
    """Where blocks, at any depth, name a file that lies at the provider."""
    places: list[Path] = []
    for index, block in enumerate(content if type(content) is list else ()):
        if type(block) is not dict:
            continue
        place = (*path, index)
        if block.get("type") == "container_upload":
            places.append((*place, "file_id"))
        source = block.get("source")
        if type(source) is dict:
            if source.get("file_id"):
                places.append((*place, "source", "file_id"))
            places += state_of_blocks((*place, "source", "content"), source.get("content"))
        places += state_of_blocks((*place, "content"), block.get("content"))
    return places
