"""A whole answer of Anthropic's Messages as a chat completion, and what whole and streamed answers have in common."""

from typing import Any

import msgspec

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.usage import Usage
from keeptrusts.providers.json_body import encode
from keeptrusts.providers.translation.translator import Translated
from keeptrusts.providers.usage import anthropic_usage, read_counts

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",  # the answer is not finished
    "refusal": "content_filter",
}
"""Anthropic's `stop_reason` as `finish_reason`."""

SILENT = frozenset({"redacted_thinking"})
"""Blocks that say nothing to a client: encrypted."""


class Block(msgspec.Struct):
    """One block of an answer, of any type."""

    type: str
    text: str = ""
    thinking: str = ""
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")


class StopDetails(msgspec.Struct):
    """Why a model refused, where it says so."""

    explanation: str | None = None


class Message(msgspec.Struct):
    """A whole answer, as far as a translation needs it."""

    id: str
    content: list[Block]
    stop_reason: str | None = None
    stop_details: StopDetails | None = None
    usage: Any = None


_decode = msgspec.json.Decoder(Message).decode


def read_reply(body: bytes, *, model: str, created: int) -> Translated:
    """Raises Fault(UPSTREAM_ERROR) for what is no message, or has a block that a chat completion cannot carry."""
    message = read_message(body)
    usage = find_usage(message.usage)
    choice = {
        "index": 0,
        "message": _write_message(message),
        "logprobs": None,
        "finish_reason": finish_reason(message.stop_reason),
    }
    completion = {
        "id": message.id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [choice],
        "usage": None if usage is None else write_usage(usage, thinking_tokens(message.usage)),
        "system_fingerprint": None,
    }
    return Translated(encode(completion), usage)


def read_message(body: bytes) -> Message:
    """Raises Fault(UPSTREAM_ERROR) for what is no message."""
    try:
        return _decode(body)
    except (ValueError, RecursionError):  # msgspec's errors and bad UTF-8 are ValueErrors
        raise Fault(Code.UPSTREAM_ERROR, "The provider's answer is not a message of Anthropic's dialect.") from None


def finish_reason(stop_reason: str | None) -> str:
    """A reason that is not known is an end like any other."""
    return FINISH_REASONS.get(stop_reason or "end_turn", "stop")


def find_usage(counts: Any, before: Usage | None = None) -> Usage | None:
    """What a decoded `usage` object counts; `before` is what earlier events of a stream said."""
    read = read_counts(counts)
    return before if read is None else anthropic_usage(read, before)


def thinking_tokens(counts: Any) -> int | None:
    """How much of the output was thought, where a decoded `usage` object says so."""
    details = counts.get("output_tokens_details") if type(counts) is dict else None
    thought = details.get("thinking_tokens") if type(details) is dict else None
    return thought if type(thought) is int else None


def write_usage(usage: Usage, thought: int | None) -> dict[str, Any]:
    """OpenAI's counts: the input includes what was read from the cache or written to it."""
    written: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
    }
    if thought is not None:
        written["completion_tokens_details"] = {"reasoning_tokens": thought}
    return written


def uncarried(kind: str) -> Fault:
    """For a block that nobody asked for and that a chat completion cannot carry."""
    known = kind if kind.isascii() and kind.isidentifier() and len(kind) <= 64 else "unknown"
    return Fault(Code.UPSTREAM_ERROR, f"The provider's answer has a block of type {known}, which cannot be translated.")


def arguments_of(block: Block) -> str:
    """A tool's input as the text of a JSON document, with every number as the model wrote it."""
    return msgspec.json.format(bytes(block.input), indent=-1).decode()


def _write_message(message: Message) -> dict[str, Any]:
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[dict[str, Any]] = []
    for block in message.content:
        if block.type == "text":
            texts.append(block.text)
        elif block.type == "thinking":
            thoughts.append(block.thinking)
        elif block.type == "tool_use":
            function = {"name": block.name, "arguments": arguments_of(block)}
            calls.append({"id": block.id, "type": "function", "function": function})
        elif block.type not in SILENT:
            raise uncarried(block.type)
    written: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": message.stop_details.explanation if message.stop_details else None,
    }
    if any(thoughts):
        written["reasoning_content"] = "".join(thoughts)
    if calls:
        written["tool_calls"] = calls
    return written
