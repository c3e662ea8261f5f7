"""Anthropic's Messages API, faked: whole, streamed with its ping, and the counting of tokens."""

from collections.abc import Iterator
from typing import Any

from keeptrusts.cli.fake_provider.prompt import (
    Prompt,
    Refused,
    count_words,
    encode,
    example_of,
    pieces_of,
    read_prompt,
)
from keeptrusts.cli.fake_provider.reply import Reply, Stamp, Streamed, Whole, named_event


def answer_message(call: dict[str, Any], stamp: Stamp) -> Reply:
    """Raises Refused for a call without messages or `max_tokens`, and for one that asks to fail."""
    if not call.get("max_tokens"):
        raise Refused(400, "max_tokens: Field required")
    prompt = _prompt(call)
    tool = _chosen_tool(call, prompt)
    block = _block(prompt, tool, stamp)
    written = count_words(encode(block["input"]).decode() if tool else block["text"])
    message = {
        "id": f"msg_fake{stamp.number}",
        "type": "message",
        "role": "assistant",
        "model": call["model"],
        "content": [block],
        "stop_reason": "tool_use" if tool else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": prompt.tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": written,
        },
    }
    if call.get("stream"):
        return Streamed(events=[named_event(step) for step in _steps(message)], commands=prompt.commands)
    return Whole(body=encode(message), commands=prompt.commands)


def count_tokens(call: dict[str, Any], stamp: Stamp) -> Reply:
    """Raises Refused for a call without messages, and for one that asks to fail."""
    del stamp
    prompt = _prompt(call)
    return Whole(body=encode({"input_tokens": prompt.tokens}), commands=prompt.commands)


def _prompt(call: dict[str, Any]) -> Prompt:
    if not call.get("messages"):
        raise Refused(400, "messages: Field required")
    descriptions = [tool.get("description") for tool in call.get("tools") or [] if isinstance(tool, dict)]
    return read_prompt(call["messages"], call.get("system"), descriptions)


def _block(prompt: Prompt, tool: dict[str, Any] | None, stamp: Stamp) -> dict[str, Any]:
    if tool is None:
        return {"type": "text", "text": prompt.answer}
    arguments = example_of(tool.get("input_schema"), prompt.answer) or {}
    return {"type": "tool_use", "id": f"toolu_fake{stamp.number}", "name": tool.get("name"), "input": arguments}


def _steps(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The events of a streamed message. The last usage is cumulative, the first one a beginning."""
    block = message["content"][0]
    opened = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
    yield {"type": "message_start", "message": opened}
    if block["type"] == "tool_use":
        yield {"type": "content_block_start", "index": 0, "content_block": {**block, "input": {}}}
        yield {"type": "ping"}
        for piece in ("", *pieces_of(encode(block["input"]).decode())):
            delta = {"type": "input_json_delta", "partial_json": piece}
            yield {"type": "content_block_delta", "index": 0, "delta": delta}
    else:
        yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        yield {"type": "ping"}
        for piece in pieces_of(block["text"]):
            delta = {"type": "text_delta", "text": piece}
            yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ended, "usage": {"output_tokens": message["usage"]["output_tokens"]}}
    yield {"type": "message_stop"}


def _chosen_tool(call: dict[str, Any], prompt: Prompt) -> dict[str, Any] | None:
    tools = [tool for tool in call.get("tools") or [] if isinstance(tool, dict) and "input_schema" in tool]
    choice = call.get("tool_choice") or {}
    if choice.get("type") == "none" or prompt.answers_tool or not tools:
        return None
    return next((tool for tool in tools if tool.get("name") == choice.get("name")), tools[0])
