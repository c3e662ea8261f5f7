"""The system prompt and the messages of a call as chat messages.

Chat has tool results in messages of their own, which can hold only text, right behind the calls that they answer. So
results come first, then what is left of the user's message; an image inside a result stands in that, by a number.
"""

from typing import Any

from keeptrusts.providers.json_body import encode
from keeptrusts.providers.translation.messages_to_chat.blocks import (
    Part,
    content_of,
    find_in_content,
    invalid,
    iter_blocks,
    text_of,
    write_block,
    write_parts,
)

TOOL_ERROR = "The tool reported an error:\n"
_UNSEEN = frozenset({"thinking", "redacted_thinking"})
_MEMBERS = frozenset({"role", "content"})

Message = dict[str, Any]


def find_in_messages(messages: Any) -> str | None:
    """The first obstacle in the messages. A last one of the assistant is one: no chat model goes on from there."""
    if type(messages) is not list:
        return None
    for index, message in enumerate(messages):
        if type(message) is dict:
            if not message.keys() <= _MEMBERS:
                return f"[{index}]"
            found = find_in_content(message.get("content"))
            if found is not None:
                return f"[{index}].content{found}"
    last = messages[-1] if messages else None
    return f"[{len(messages) - 1}]" if type(last) is dict and last.get("role") == "assistant" else None


def write_messages(tree: dict[str, Any]) -> list[Message]:
    """Raises Fault(INVALID_REQUEST) for what are no messages."""
    messages = tree.get("messages")
    if type(messages) is not list:
        raise invalid("messages", "must be a list")
    system = tree.get("system")
    written = _write_system(system, "system") if system else []
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        role = message.get("role") if type(message) is dict else None
        content = message.get("content") if type(message) is dict else None
        if role == "user":
            written += _write_user(content, f"{place}.content")
        elif role == "assistant":
            written.append(_write_assistant(content, f"{place}.content"))
        elif role == "system":
            written += _write_system(content, f"{place}.content")
        else:
            raise invalid(f"{place}.role", "must be user, assistant or system")
    return written


def _write_system(content: Any, place: str) -> list[Message]:
    return [{"role": "system", "content": content_of(write_parts(content, place))}]


def _write_assistant(content: Any, place: str) -> Message:
    if type(content) is str:
        return {"role": "assistant", "content": content}
    texts: list[Part] = []
    calls: list[dict[str, Any]] = []
    for block_place, kind, block in iter_blocks(content, place):
        if kind == "tool_use":
            calls.append(_write_call(block, block_place))
        elif kind not in _UNSEEN:
            texts.append({"type": "text", "text": text_of(block, "text", block_place)})
    if not calls:
        return {"role": "assistant", "content": content_of(texts) or ""}
    return {"role": "assistant", "content": content_of(texts) or None, "tool_calls": calls}


def _write_call(block: dict[str, Any], place: str) -> dict[str, Any]:
    arguments = block.get("input")
    if type(arguments) is not dict:
        raise invalid(f"{place}.input", "must be an object")
    function = {"name": text_of(block, "name", place), "arguments": encode(arguments).decode()}
    return {"id": text_of(block, "id", place), "type": "function", "function": function}


def _write_user(content: Any, place: str) -> list[Message]:
    if type(content) is str:
        return [{"role": "user", "content": content}]
    results: list[Message] = []
    shown: list[Part] = []
    said: list[Part] = []
    for block_place, kind, block in iter_blocks(content, place):
        if kind == "tool_result":
            results.append(_write_result(block, block_place, shown))
        else:
            said += write_block(block_place, kind, block)
    parts = shown + said
    return [*results, {"role": "user", "content": content_of(parts)}] if parts or not results else results


def _write_result(block: dict[str, Any], place: str, shown: list[Part]) -> Message:
    """What is no text goes to `shown`, below the number that stands for it."""
    content = block.get("content")
    texts: list[Part] = []
    for part in write_parts(content, f"{place}.content") if content is not None else ():
        if part["type"] == "text":
            texts.append(part)
        else:
            kind = "file" if part["type"] == "file" else "image"
            label = f"[{kind} {len(shown) // 2 + 1}]"
            texts.append({"type": "text", "text": f"{label} is in the next message."})
            shown += ({"type": "text", "text": label}, part)
    if block.get("is_error"):
        texts = [{"type": "text", "text": TOOL_ERROR + texts[0]["text"]}, *texts[1:]] if texts else [_bare_error()]
    return {"role": "tool", "tool_call_id": text_of(block, "tool_use_id", place), "content": content_of(texts) or ""}


def _bare_error() -> Part:
    return {"type": "text", "text": TOOL_ERROR.rstrip(":\n") + "."}
