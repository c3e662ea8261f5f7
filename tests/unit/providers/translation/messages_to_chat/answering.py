"""Answers of a chat target, whole and in chunks, and messages put together from their events, as strictly as can be."""

import json
from typing import Any

from keeptrusts.providers import sse

USAGE = {"prompt_tokens": 12, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 4}}
DONE = b"data: [DONE]\n\n"


def tool_call(identifier: str, arguments: str, name: str = "f") -> dict[str, Any]:
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def completion(finish_reason: str | None = "stop", **message: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}
    return json.dumps({"id": "chatcmpl-7x", "choices": [choice], "usage": USAGE}).encode()


def chunk(finish_reason: str | None = None, *, usage: Any = None, **delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return event({"id": "chatcmpl-7x", "choices": [choice], "usage": usage})


def event(tree: Any) -> bytes:
    return b"data: %b\n\n" % json.dumps(tree).encode()


def usage_chunk(usage: Any = USAGE) -> bytes:
    return event({"id": "chatcmpl-7x", "choices": [], "usage": usage})


def names_of(events: list[bytes]) -> list[str]:
    return [sse.parse(one)[0] for one in events]


def put_together(events: list[bytes]) -> dict[str, Any]:
    """The message of a whole stream. Fails for events out of order, blocks inside each other and a missing end."""
    trees = []
    for one in events:
        name, data = sse.parse(one)
        tree = json.loads(data)
        assert tree["type"] == name
        trees.append(tree)
    assert trees[0]["type"] == "message_start"
    assert [tree["type"] for tree in trees[-2:]] == ["message_delta", "message_stop"]
    message = trees[0]["message"]
    content = message["content"]
    position = 1
    while position < len(trees) - 2:
        position = _put_block(trees, position, content)
    message.update(trees[-2]["delta"])
    message["usage"].update(trees[-2]["usage"])
    return dict(message)


def _put_block(trees: list[dict[str, Any]], position: int, content: list[dict[str, Any]]) -> int:
    start = trees[position]
    assert (start["type"], start["index"]) == ("content_block_start", len(content))
    block = start["content_block"]
    arguments = ""
    position += 1
    while trees[position]["type"] == "content_block_delta":
        assert trees[position]["index"] == len(content)
        delta = trees[position]["delta"]
        if delta["type"] == "input_json_delta":
            arguments += delta["partial_json"]
        else:
            field = delta["type"].removesuffix("_delta")
            assert block["type"] == {"signature": "thinking"}.get(field, field)
            block[field] += delta[field]
        position += 1
    assert trees[position] == {"type": "content_block_stop", "index": len(content)}
    if block["type"] == "tool_use" and arguments.strip():
        block["input"] = json.loads(arguments)
    content.append(block)
    return position + 1
