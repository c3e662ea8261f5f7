"""How an answer is named, why it ended and what it used: as messages say it, of whole answers and of streams."""

import re
from typing import Any

from keeptrusts.contract.usage import Usage
from keeptrusts.providers.usage import openai_usage, read_counts

_OTHER = re.compile(r"[^A-Za-z0-9_-]")
_MAX_ID = 64

STOP_REASONS = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "length": "max_tokens",
    "content_filter": "refusal",
}
"""OpenAI's `finish_reason` as `stop_reason`; any other is an end like `stop`."""

NOTHING_USED = {
    "input_tokens": 0,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 0,
}
"""What a message must say where the provider says nothing."""


def message_id(provider_id: Any) -> str:
    """`msg_` and what of the provider's own identifier can be printed: support can find the answer by it."""
    known = provider_id.removeprefix("chatcmpl-") if type(provider_id) is str else ""
    return f"msg_{_OTHER.sub('', known)[:_MAX_ID] or 'unnamed'}"


def tool_id(provider_id: str | None, message: str, position: int) -> str:
    """The provider's own; where it gives none, one that is its only in the conversation."""
    return provider_id or f"toolu_{message.removeprefix('msg_')}_{position}"


def ending(finish_reason: str | None, matched: Any, *, uses_tools: bool, refuses: bool) -> dict[str, Any]:
    """`stop_reason` and `stop_sequence`. Some servers say `stop` where the model calls a tool."""
    reason = "refusal" if refuses else STOP_REASONS.get(finish_reason or "stop", "end_turn")
    if reason in {"end_turn", "tool_use"}:
        if uses_tools:
            reason = "tool_use"
        elif type(matched) is str and matched:
            return {"stop_reason": "stop_sequence", "stop_sequence": matched}
        else:
            reason = "end_turn"
    return {"stop_reason": reason, "stop_sequence": None}


def read_usage(value: Any) -> Usage | None:
    counts = read_counts(value)
    return openai_usage(counts) if counts is not None else None


def write_usage(usage: Usage | None) -> dict[str, int]:
    """OpenAI counts cached tokens among those of the input, messages beside them."""
    if usage is None:
        return NOTHING_USED
    cached, written = usage.cached_input_tokens, usage.cache_write_tokens
    return {
        "input_tokens": max(0, usage.input_tokens - cached - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.output_tokens,
    }
