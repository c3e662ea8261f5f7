"""Calls of messages, as the tests of their translation make them."""

import json
from typing import Any

from keeptrusts.contract.call import Call, Route
from keeptrusts.providers.anthropic.dialect import ANTHROPIC
from keeptrusts.providers.translation.messages_to_chat.translator import MessagesToChat

HELLO = [{"role": "user", "content": "hi"}]


def make_call(**members: Any) -> Call:
    body = {"model": "claude", "max_tokens": 10, "messages": HELLO, **members}
    return ANTHROPIC.read_call(Route.MESSAGES, json.dumps(body).encode(), b"application/json")


def chat_of(model: str = "gpt-4o", **members: Any) -> dict[str, Any]:
    written = MessagesToChat().write_call(make_call(**members), model=model, changes={}, max_output_tokens=None)
    tree: dict[str, Any] = json.loads(written)
    return tree


def messages_of(*messages: dict[str, Any], **members: Any) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = chat_of(messages=list(messages), **members)["messages"]
    return written


def obstacle_of(**members: Any) -> str | None:
    return MessagesToChat().obstacle(make_call(**members))
