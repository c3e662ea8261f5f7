"""Content parts and chat messages, as calls and replies carry them."""

from typing import Any

from keeptrusts.contract.call import Form, Path, Role, Text
from keeptrusts.providers.inventory import NEUTRAL, Inventory, Reader

USER, ASSISTANT = Role.USER, Role.ASSISTANT  # for what is done for every text: Python 3.11 is slow to find a member

TEXT_FIELDS = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "summary_text": "text",
    "reasoning_text": "text",
    "refusal": "refusal",
    "thinking": "thinking",
    "reasoning": "text",
}
"""Which member holds the text, by the type of part."""

ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
    "function": Role.TOOL,
}

_FILE_KINDS = frozenset({"file", "input_file"})
_OPAQUE = frozenset({"id", "type", "index", "format", "signature", "data"})
_CALL_KEYS = frozenset({"function", "custom", "extra_content"})


def collect_content(found: Inventory, path: Path, content: Any, role: Role) -> None:
    """A message's content: a string, or a list of parts."""
    if type(content) is str:
        if content:
            found.texts.append(Text(path, content, role))
    elif type(content) is list:
        for index, part in enumerate(content):
            collect_part(found, (*path, index), part, role)
    else:
        found.text(path, content, role)


def collect_part(found: Inventory, path: Path, part: Any, role: Role) -> None:
    """One content part. A type that is not known is unreadable."""
    if type(part) is not dict:
        found.text(path, part, role)
        return
    kind = part.get("type")
    field = TEXT_FIELDS.get(kind) if type(kind) is str else None
    if field is None:
        found.unread(path, kind)
        if type(kind) is str and kind in _FILE_KINDS:
            _collect_file_name(found, path, part, role)
        return
    for key, value in part.items():
        if key == field:
            collect_content(found, (*path, key), value, role)
        elif key not in NEUTRAL:
            found.strings((*path, key), value, role)


def collect_message(found: Inventory, path: Path, message: Any) -> None:
    """A chat message, of a call or of a reply. Members that are not known are judged."""
    if type(message) is not dict:
        found.text(path, message, Role.USER)
        return
    name = message.get("role")
    role = ROLES.get(name, USER) if type(name) is str else USER
    for key, value in message.items():
        if key == "content":
            if type(value) is str and value:  # as nearly all have it
                found.texts.append(Text((*path, key), value, role))
            else:
                collect_content(found, (*path, key), value, role)
        elif key != "role" and value is not None:
            read = _MEMBERS.get(key)
            if read is not None:
                read(found, (*path, key), value)
            elif key not in NEUTRAL:
                found.strings((*path, key), value, role)


def _collect_tool_calls(found: Inventory, path: Path, calls: Any) -> None:
    for index, call in enumerate(calls if type(calls) is list else ()):
        collect_tool_call(found, (*path, index), call)


def _collect_images(found: Inventory, path: Path, images: Any) -> None:
    if images:
        found.unread(path, "image")


def _collect_details(found: Inventory, path: Path, details: Any) -> None:
    """Reasoning in parts, some of them encrypted."""
    found.strings(path, details, Role.ASSISTANT, _OPAQUE)


def collect_tool_call(found: Inventory, path: Path, call: Any) -> None:
    """A call of a tool by the model: the arguments of a function, or the input of a custom tool."""
    if type(call) is not dict:
        found.text(path, call, Role.ASSISTANT)
        return
    collect_arguments(found, (*path, "function"), call.get("function"))
    custom = call.get("custom")
    if type(custom) is dict:
        found.text((*path, "custom", "input"), custom.get("input"), Role.ASSISTANT)
    for key, value in call.items():
        if key not in _CALL_KEYS and key not in NEUTRAL:
            found.strings((*path, key), value, Role.ASSISTANT)


def collect_arguments(found: Inventory, path: Path, function: Any) -> None:
    """`arguments` is the text of a JSON document; some servers give the document itself."""
    if type(function) is not dict:
        found.text(path, function, Role.ASSISTANT)
        return
    arguments = function.get("arguments")
    if type(arguments) is str:
        found.text((*path, "arguments"), arguments, Role.ASSISTANT, Form.JSON)
    else:
        found.arguments((*path, "arguments"), arguments, Role.ASSISTANT)


def _collect_audio(found: Inventory, path: Path, audio: Any) -> None:
    """Sound of a reply, with its transcript; in a call only the identifier of earlier sound."""
    if type(audio) is not dict:
        found.text(path, audio, Role.ASSISTANT)
        return
    found.text((*path, "transcript"), audio.get("transcript"), Role.ASSISTANT)
    if audio.get("data") or "transcript" not in audio:
        found.unread(path, "audio")


_MEMBERS: dict[str, Reader] = {
    "tool_calls": _collect_tool_calls,
    "function_call": collect_arguments,
    "audio": _collect_audio,
    "images": _collect_images,
    "reasoning_details": _collect_details,
}


def _collect_file_name(found: Inventory, path: Path, part: dict[str, Any], role: Role) -> None:
    file = part.get("file")
    if type(file) is dict:
        found.text((*path, "file", "filename"), file.get("filename"), role)
    found.text((*path, "filename"), part.get("filename"), role)


def state_of_parts(path: Path, content: Any) -> list[Path]:
    """Where content parts name a file that lies at the provider."""
    places: list[Path] = []
    for index, part in enumerate(content if type(content) is list else ()):
        if type(part) is not dict:
            continue
        if part.get("file_id"):
            places.append((*path, index, "file_id"))
        for key in ("file", "image_url", "input_audio"):
            inner = part.get(key)
            if type(inner) is dict and inner.get("file_id"):
                places.append((*path, index, key, "file_id"))
    return places
