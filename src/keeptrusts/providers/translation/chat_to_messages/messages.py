"""A chat's messages as Anthropic's: what the system says apart, and turns of user and assistant that alternate."""

import re
from hashlib import blake2s
from typing import Any

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.json_body import read_json
from keeptrusts.providers.translation.chat_to_messages.parts import TEXTS, text_blocks, write_content, write_part
from keeptrusts.providers.translation.fate import shown

_COMMON = frozenset({"role", "content", "cache_control"})
_MEMBERS = {
    "system": _COMMON,
    "developer": _COMMON,
    "user": _COMMON,
    "assistant": _COMMON | {"tool_calls", "refusal", "annotations", "reasoning", "reasoning_content",
                            "reasoning_details"},
    "tool": _COMMON | {"tool_call_id", "name"},
}  # fmt: skip
"""What each role's messages may say.

Left out: annotations, which mark places in a text that is carried; the name of a tool, whose call is named by its
identifier; and what was thought in earlier turns, which is bound to a signature that chat completions do not carry.
"""

_TEXT_ONLY = frozenset({"system", "developer", "assistant"})
_CALL_KEYS = frozenset({"id", "type", "index", "function"})
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]")


def find_message_obstacle(messages: Any) -> str | None:
    """The place of the first thing in the messages that cannot be carried: `messages[3].content[0]`."""
    if type(messages) is not list:
        return None
    for index, message in enumerate(messages):
        if type(message) is dict:
            place = _find_in_message(message)
            if place is not None:
                return f"messages[{index}]{place}"
    return None


def _find_in_message(message: dict[str, Any]) -> str | None:
    role = message.get("role")
    known = _MEMBERS.get(role) if type(role) is str else None
    if known is None:
        return ".role"
    if not message.keys() <= known:
        for key, value in message.items():
            if key not in known and value is not None:
                return f".{shown(key)}"
    content = message.get("content")
    if type(content) is list:
        for index, part in enumerate(content):
            if not _carries_part(part, is_text=role in _TEXT_ONLY):
                return f".content[{index}]"
    calls = message.get("tool_calls")
    for index, call in enumerate(calls if type(calls) is list else ()):
        if type(call) is dict and (call.get("type", "function") != "function" or not call.keys() <= _CALL_KEYS):
            return f".tool_calls[{index}]"
    return None


def _carries_part(part: Any, *, is_text: bool) -> bool:
    try:
        block = write_part(part, "")
    except Fault:  # no part at all: that is said when the call is written
        return True
    return block is not None and (not is_text or part["type"] in TEXTS)


def write_messages(messages: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The system's blocks, and the turns. Raises Fault for messages that are not of the OpenAI dialect."""
    if type(messages) is not list:
        raise Fault(Code.INVALID_REQUEST, "`messages` must be a list.", param="messages")
    system: list[dict[str, Any]] = []
    turns: list[dict[str, Any]] = []
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        if type(message) is not dict:
            raise Fault(Code.INVALID_REQUEST, f"`{place}` must be an object.", param=place)
        role = message.get("role")
        blocks = _write_message(message, role, place)
        if message.get("cache_control") and blocks:
            blocks[-1].setdefault("cache_control", message["cache_control"])
        if role in {"system", "developer"}:
            system += blocks
        else:
            add_turn(turns, "assistant" if role == "assistant" else "user", blocks)
    if system and not turns:  # there must be a turn: what the system says alone is what is to be answered
        add_turn(turns, "user", system)
        system = []
    return system, turns


def add_turn(turns: list[dict[str, Any]], role: str, blocks: list[dict[str, Any]]) -> None:
    """Neighbours of one role are one turn: all results of a turn's tools stand in the next."""
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] += blocks
    elif blocks:
        turns.append({"role": role, "content": blocks})


def _write_message(message: dict[str, Any], role: Any, place: str) -> list[dict[str, Any]]:
    content = write_content(message.get("content"), f"{place}.content")
    if role == "tool":
        return [write_result(message.get("tool_call_id"), content, f"{place}.tool_call_id")]
    if role == "assistant":
        return [*content, *_write_refusal(message, place), *_write_calls(message.get("tool_calls"), place)]
    return content


def _write_refusal(message: dict[str, Any], place: str) -> list[dict[str, Any]]:
    """What the model said instead of an answer, said again as its text."""
    refusal = message.get("refusal")
    if refusal is not None and type(refusal) is not str:
        raise Fault(Code.INVALID_REQUEST, f"`{place}.refusal` must be a string.", param=f"{place}.refusal")
    return text_blocks(refusal or "")


def write_result(call: Any, content: list[dict[str, Any]], place: str) -> dict[str, Any]:
    """The result of the call of a tool, whose identifier stands at `place`."""
    identifier = _write_id(call, place)
    if len(content) == 1 and content[0].keys() == {"type", "text"}:
        return {"type": "tool_result", "tool_use_id": identifier, "content": content[0]["text"]}
    return {"type": "tool_result", "tool_use_id": identifier, "content": content}


def write_use(call: Any, name: str, arguments: Any, *, id_place: str, arguments_place: str) -> dict[str, Any]:
    """A call of a tool, by its identifier, and the places of what it is made of."""
    return {
        "type": "tool_use",
        "id": _write_id(call, id_place),
        "name": name,
        "input": _read_arguments(arguments, arguments_place),
    }


def _write_calls(calls: Any, place: str) -> list[dict[str, Any]]:
    if calls is None:
        return []
    if type(calls) is not list:
        raise Fault(Code.INVALID_REQUEST, f"`{place}.tool_calls` must be a list.", param=f"{place}.tool_calls")
    return [_write_call(call, f"{place}.tool_calls[{index}]") for index, call in enumerate(calls)]


def _write_call(call: Any, place: str) -> dict[str, Any]:
    function = call.get("function") if type(call) is dict else None
    if type(function) is not dict or type(function.get("name")) is not str:
        raise Fault(Code.INVALID_REQUEST, f"`{place}.function` must be an object with a `name`.", param=place)
    return write_use(
        call.get("id"),
        function["name"],
        function.get("arguments"),
        id_place=f"{place}.id",
        arguments_place=f"{place}.function.arguments",
    )


def _write_id(identifier: Any, place: str) -> str:
    """Anthropic's identifiers have fewer characters than those that some servers give; two of those stay two."""
    if type(identifier) is not str or not identifier:
        raise Fault(Code.INVALID_REQUEST, f"`{place}` must be a string.", param=place)
    written = _FOREIGN.sub("_", identifier)
    if written == identifier:
        return identifier
    return f"{written}_{blake2s(identifier.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"


def _read_arguments(arguments: Any, place: str) -> dict[str, Any]:
    """The text of a JSON object; nothing at all means no arguments, and some clients give the object itself."""
    if type(arguments) is dict:
        return arguments
    if arguments is None or (type(arguments) is str and not arguments.strip()):
        return {}
    if type(arguments) is str:
        try:
            return read_json(arguments.encode())
        except (Fault, UnicodeEncodeError):
            pass  # the same message for all that is no JSON object
    raise Fault(Code.INVALID_REQUEST, f"`{place}` must be the text of a JSON object.", param=place)
