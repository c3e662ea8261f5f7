"""A whole answer of Anthropic's Messages as a response, and what whole and streamed ones have in common."""

from typing import Any

from keeptrusts.contract.usage import Usage
from keeptrusts.providers.json_body import encode
from keeptrusts.providers.translation.chat_to_messages.reply import (
    SILENT,
    Block,
    arguments_of,
    find_usage,
    read_message,
    thinking_tokens,
    uncarried,
)
from keeptrusts.providers.translation.translator import Translated

INCOMPLETE = {
    "max_tokens": "max_output_tokens",
    "model_context_window_exceeded": "max_output_tokens",
    "pause_turn": "max_output_tokens",  # the answer is not finished
    "refusal": "content_filter",
}
"""Anthropic's `stop_reason` as `incomplete_details.reason`; any other is the end of a complete response."""


def read_reply(body: bytes, *, model: str, created: int) -> Translated:
    """Raises Fault(UPSTREAM_ERROR) for what is no message, or has a block that a response cannot carry."""
    message = read_message(body)
    usage = find_usage(message.usage)
    output = [item for index, block in enumerate(message.content) for item in _write_item(block, message.id, index)]
    explanation = message.stop_details.explanation if message.stop_details else None
    if explanation:
        output.append(refusal_item(f"{message.id}_refusal", explanation))
    counts = None if usage is None else write_usage(usage, thinking_tokens(message.usage))
    ended = ending(message.stop_reason)
    return Translated(
        encode({**envelope(message.id, model, created), **ended, "output": output, "usage": counts}), usage
    )


def envelope(identifier: str, model: str, created: int) -> dict[str, Any]:
    """The members that a response must have. What it would say again of its call is not known here, and left empty."""
    return {
        "id": identifier,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": None,
    }


def ending(stop_reason: str | None) -> dict[str, Any]:
    """How a response ended."""
    reason = INCOMPLETE.get(stop_reason or "")
    if reason is None:
        return {"status": "completed"}
    return {"status": "incomplete", "incomplete_details": {"reason": reason}}


def write_usage(usage: Usage, thought: int | None) -> dict[str, Any]:
    """OpenAI's counts: the input includes what was read from the cache or written to it."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": thought or 0},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def text_part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def refusal_part(text: str) -> dict[str, Any]:
    return {"type": "refusal", "refusal": text}


def message_item(identifier: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"id": identifier, "type": "message", "status": "completed", "role": "assistant", "content": list(parts)}


def refusal_item(identifier: str, text: str) -> dict[str, Any]:
    return message_item(identifier, refusal_part(text))


def reasoning_item(identifier: str, text: str) -> dict[str, Any]:
    """Anthropic shows a summary of what was thought."""
    return {"id": identifier, "type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}


def call_item(identifier: str, block: Block, arguments: str) -> dict[str, Any]:
    return {
        "id": identifier,
        "type": "function_call",
        "status": "completed",
        "call_id": block.id,
        "name": block.name,
        "arguments": arguments,
    }


def _write_item(block: Block, message: str, index: int) -> list[dict[str, Any]]:
    """The item of a block; none for one that says nothing."""
    identifier = f"{message}_{index}"
    if block.type == "text":
        return [message_item(identifier, text_part(block.text))] if block.text else []
    if block.type == "thinking":
        return [reasoning_item(identifier, block.thinking)] if block.thinking else []
    if block.type == "tool_use":
        return [call_item(identifier, block, arguments_of(block))]
    if block.type in SILENT:
        return []
    raise uncarried(block.type)
