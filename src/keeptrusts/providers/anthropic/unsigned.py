"""Thinking that no model of Anthropic's did, in conversations that go on at Anthropic.

A translated answer of another model bears its thinking with a mark for a signature, since only Anthropic can sign.
Clients send it back with the next call, and Anthropic would refuse that: there the marked blocks are left out.
"""

from typing import Any

from keeptrusts.providers.json_body import decode, encode

UNSIGNED = "keeptrusts-unsigned"
"""What stands for the signature."""

_MARK = UNSIGNED.encode()


def leave_out_unsigned(body: bytes) -> bytes:
    """The body of a call without marked blocks. A body that has none keeps its bytes."""
    if _MARK not in body:
        return body
    tree = decode(body)
    messages = tree.get("messages")
    kept = [_kept(message) for message in messages] if type(messages) is list else messages
    if kept == messages:
        return body
    return encode(tree | {"messages": [message for message in kept if message is not None]})


def _kept(message: Any) -> Any:
    """The message without its marked blocks; None where it has no others."""
    content = message.get("content") if type(message) is dict else None
    if type(content) is not list:
        return message
    blocks = [block for block in content if not _is_unsigned(block)]
    return message | {"content": blocks} if blocks or not content else None


def _is_unsigned(block: Any) -> bool:
    return type(block) is dict and block.get("type") == "thinking" and block.get("signature") == UNSIGNED
