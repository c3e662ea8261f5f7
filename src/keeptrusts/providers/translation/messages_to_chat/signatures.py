"""The signatures that Gemini 3 demands with each former tool call, and that no message can carry.

Google has a word for calls that come without one, from another model's conversation: they are then taken unsigned. The
model goes on without what it thought before them.
"""

import re
from typing import Any

_DEMANDS = re.compile(r"(?:.*/)?gemini-(?:[3-9]|\d\d)")
_UNSIGNED = {"google": {"thought_signature": "skip_thought_signature_validator"}}


def sign(messages: list[dict[str, Any]], model: str) -> list[dict[str, Any]]:
    """The chat messages, with the word on every tool call where `model` demands a signature."""
    if _DEMANDS.match(model) is None:
        return messages
    return [_signed(message) if "tool_calls" in message else message for message in messages]


def _signed(message: dict[str, Any]) -> dict[str, Any]:
    return message | {"tool_calls": [call | {"extra_content": _UNSIGNED} for call in message["tool_calls"]]}
