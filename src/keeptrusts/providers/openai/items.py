"""Items of the Responses API: what stands in `input` and `output`."""

from typing import Any

from keeptrusts.contract.call import Form, Path, Role
from keeptrusts.providers.inventory import NEUTRAL, Inventory, Reader
from keeptrusts.providers.openai.parts import ROLES, collect_content, state_of_parts
from keeptrusts.providers.openai.tools import collect_tools

KNOWN_ITEMS = frozenset({
    "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output", "reasoning",
    "file_search_call", "web_search_call", "computer_call", "computer_call_output", "code_interpreter_call",
    "image_generation_call", "local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output",
    "apply_patch_call", "apply_patch_call_output", "mcp_call", "mcp_list_tools", "mcp_approval_request",
    "mcp_approval_response", "item_reference", "compaction", "compaction_trigger", "tool_search_call",
    "tool_search_output", "additional_tools", "program", "program_output",
})  # fmt: skip
"""Types whose members are understood. Others are unreadable."""

_OUTPUTS = frozenset({
    "function_call_output", "custom_tool_call_output", "computer_call_output", "local_shell_call_output",
    "shell_call_output", "apply_patch_call_output", "program_output",
})  # fmt: skip

_RESULTS = frozenset({
    ("mcp_call", "output"), ("mcp_call", "error"), ("file_search_call", "results"),
    ("web_search_call", "results"),
})  # fmt: skip
"""Members of what the model did that say what a tool at the provider answered."""

_PARTS = frozenset({"content", "summary", "output"})


def collect_items(found: Inventory, path: Path, items: Any, role: Role) -> None:
    """A string, or a list of items."""
    if type(items) is not list:
        found.text(path, items, role)
        return
    for index, item in enumerate(items):
        collect_item(found, (*path, index), item, role)


def collect_item(found: Inventory, path: Path, item: Any, role: Role) -> None:
    if type(item) is not dict:
        found.text(path, item, role)
        return
    kind = item.get("type", "message")
    if kind == "message":
        name = item.get("role")
        speaker = ROLES.get(name, role) if type(name) is str else role
        for key, value in item.items():
            if key == "content":
                collect_content(found, (*path, key), value, speaker)
            elif key not in NEUTRAL:
                found.strings((*path, key), value, speaker)
    elif type(kind) is str and kind in KNOWN_ITEMS:
        _collect_known(found, path, item, Role.TOOL if kind in _OUTPUTS else Role.ASSISTANT)
    else:
        found.unread(path, kind)


def _collect_known(found: Inventory, path: Path, item: dict[str, Any], role: Role) -> None:
    kind = item["type"]
    for key, value in item.items():
        place = (*path, key)
        speaker = Role.TOOL if (kind, key) in _RESULTS else role
        read = _MEMBERS.get((kind, key)) or _MEMBERS.get(key)
        if read is not None:
            read(found, place, value)
        elif key in _PARTS and type(value) is list and _are_parts(value):
            collect_content(found, place, value, speaker)
        elif key not in NEUTRAL:
            found.strings(place, value, speaker)


def _collect_arguments(found: Inventory, path: Path, arguments: Any) -> None:
    if type(arguments) is str:
        found.text(path, arguments, Role.ASSISTANT, Form.JSON)
    else:
        found.arguments(path, arguments, Role.ASSISTANT)


def _collect_picture(found: Inventory, path: Path, picture: Any) -> None:
    if picture:
        found.unread(path, "image")


def _are_parts(values: list[Any]) -> bool:
    """Whether these are content parts; the output of a shell call is a list of other things."""
    return all(type(value) is dict and "stdout" not in value for value in values)


def _collect_outputs(found: Inventory, path: Path, outputs: Any) -> None:
    for index, output in enumerate(outputs if type(outputs) is list else ()):
        if type(output) is dict and output.get("type") == "image":
            found.unread((*path, index), "image")
        else:
            found.strings((*path, index), output, Role.TOOL)


_MEMBERS: dict[str | tuple[str, str], Reader] = {
    "arguments": _collect_arguments,
    "tools": collect_tools,
    ("local_shell_call", "action"): _collect_arguments,
    ("image_generation_call", "result"): _collect_picture,
    ("computer_call_output", "output"): _collect_picture,
    ("code_interpreter_call", "outputs"): _collect_outputs,
}
"""Members that need a reader of their own: whatever the item, or for one type of item."""


def state_of_items(path: Path, items: Any) -> list[Path]:
    """Where items name an object that lives at the provider."""
    places: list[Path] = []
    for index, item in enumerate(items if type(items) is list else ()):
        if type(item) is not dict:
            continue
        place = (*path, index)
        kind = item.get("type", "message" if "role" in item else "item_reference")
        if kind == "item_reference":
            places.append((*place, "id"))
        if item.get("container_id"):
            places.append((*place, "container_id"))
        for key in ("content", "output"):
            places += state_of_parts((*place, key), item.get(key))
        output = item.get("output")
        if type(output) is dict and output.get("file_id"):
            places.append((*place, "output", "file_id"))
    return places
