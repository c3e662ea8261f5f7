"""The input of a call of the Responses API as Anthropic's messages: items one by one, each a part of a turn.

An item that cannot be carried gives None; what is no item raises Fault.
"""

from typing import Any

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.chat_to_messages.messages import add_turn, write_result, write_use
from keeptrusts.providers.translation.chat_to_messages.parts import (
    text_blocks,
    uncarried,
    write_content,
    write_part,
)

_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_MESSAGE_KEYS = frozenset({"type", "role", "content", "id", "status", "phase", "cache_control"})
_CALL_KEYS = frozenset({"type", "call_id", "name", "arguments", "id", "status"})
_OUTPUT_KEYS = frozenset({"type", "call_id", "output", "id", "status", "name"})
_TEXTS = frozenset({"input_text", "output_text", "text"})
_TEXT_EXTRAS = frozenset({"annotations", "logprobs"})
"""What an earlier answer's text bears beside it: marks of places and likelihoods, which say nothing to a model."""


def find_item_obstacle(items: Any) -> str | None:
    """The place of the first item or part that cannot be carried: `input[3].content[0]`."""
    for index, item in enumerate(items if type(items) is list else ()):
        place = f"input[{index}]"
        try:
            found = _find_in_item(item, place)
        except Fault:  # no item at all: that is said when the call is written
            found = None
        if found is not None:
            return found
    return None


def write_input(items: Any, instructions: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The system's blocks, and the turns. Raises Fault for an input that is not of the Responses API."""
    if instructions is not None and type(instructions) is not str:
        raise Fault(Code.INVALID_REQUEST, "`instructions` must be a string.", param="instructions")
    system = text_blocks(instructions or "")
    turns: list[dict[str, Any]] = []
    if type(items) is str:
        add_turn(turns, "user", text_blocks(items))
        return system, turns
    if type(items) is not list:
        raise Fault(Code.INVALID_REQUEST, "`input` must be a string or a list of items.", param="input")
    for index, item in enumerate(items):
        place = f"input[{index}]"
        role, blocks = _write_item(item, place)
        if role == "system":
            system += blocks
        else:
            add_turn(turns, role, blocks)
    return system, turns


def _find_in_item(item: Any, place: str) -> str | None:
    kind = _kind_of(item, place)
    known = _KEYS.get(kind)
    if known is None:
        return place
    if any(key not in known and value is not None for key, value in item.items()):
        return place
    role = item.get("role")
    if kind == "message" and (type(role) is not str or role not in _ROLES):
        return f"{place}.role"
    key = "output" if kind == "function_call_output" else "content"
    parts = item.get(key)
    for index, part in enumerate(parts if type(parts) is list and kind != "reasoning" else ()):
        block = write_part(chat_part(part), f"{place}.{key}[{index}]")
        if block is None or (kind == "message" and role != "user" and block["type"] != "text"):
            return f"{place}.{key}[{index}]"
    return None


def _write_item(item: Any, place: str) -> tuple[str, list[dict[str, Any]]]:
    """Whose turn it belongs to, and its blocks."""
    kind = _kind_of(item, place)
    if kind == "message":
        role = item.get("role")
        if type(role) is not str or role not in _ROLES:
            raise uncarried(f"{place}.role")
        blocks = _write_parts(item.get("content"), f"{place}.content")
        if item.get("cache_control") and blocks:
            blocks[-1].setdefault("cache_control", item["cache_control"])
        return _ROLES[role], blocks
    if kind == "function_call":
        return "assistant", [_write_call(item, place)]
    if kind == "function_call_output":
        content = _write_parts(item.get("output"), f"{place}.output")
        return "user", [write_result(item.get("call_id"), content, f"{place}.call_id")]
    if kind == "reasoning":
        return "assistant", []  # bound to a signature that this API does not carry
    raise uncarried(place)


def _kind_of(item: Any, place: str) -> str:
    kind = item.get("type", "message") if type(item) is dict else None
    if type(kind) is not str:
        raise Fault(Code.INVALID_REQUEST, f"`{place}` must be an object with a `type`.", param=place)
    return kind


def _write_call(item: dict[str, Any], place: str) -> dict[str, Any]:
    name = item.get("name")
    if type(name) is not str:
        raise Fault(Code.INVALID_REQUEST, f"`{place}.name` must be a string.", param=f"{place}.name")
    return write_use(
        item.get("call_id"),
        name,
        item.get("arguments"),
        id_place=f"{place}.call_id",
        arguments_place=f"{place}.arguments",
    )


def _write_parts(content: Any, place: str) -> list[dict[str, Any]]:
    return write_content([chat_part(part) for part in content] if type(content) is list else content, place)


def chat_part(part: Any) -> Any:
    """A part in the words of chat completions; what is no part, or has no such words, as it is."""
    kind = part.get("type") if type(part) is dict else None
    if kind in _TEXTS:
        return {"type": "text", **{key: part[key] for key in part if key != "type" and key not in _TEXT_EXTRAS}}
    if kind == "input_image":
        return _nest(part, "image_url", {"image_url": "url", "detail": "detail", "file_id": "file_id"})
    if kind == "input_file":
        names = ("file_data", "filename", "file_id", "file_url", "detail")
        return _nest(part, "file", {name: name for name in names})
    return part


def _nest(part: dict[str, Any], kind: str, names: dict[str, str]) -> dict[str, Any]:
    """The part with these members in an object of their own. Members that are null say nothing."""
    inner = {name: part[key] for key, name in names.items() if part.get(key) is not None}
    outer = {key: value for key, value in part.items() if key not in names and value is not None}
    return {**outer, "type": kind, kind: inner}


_KEYS = {
    "message": _MESSAGE_KEYS,
    "function_call": _CALL_KEYS,
    "function_call_output": _OUTPUT_KEYS,
    "reasoning": frozenset({"type", "id", "status", "summary", "content", "encrypted_content"}),
}
"""What each item may say; identifiers and states of items are left out."""
