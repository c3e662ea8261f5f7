"""Calls of messages as calls of chat completions, and their answers the other way round."""

from typing import Any

from keeptrusts.contract.call import Call, Changes, Route
from keeptrusts.providers.json_body import encode, replace_at
from keeptrusts.providers.translation.fate import explain_obstacle
from keeptrusts.providers.translation.messages_to_chat.conversation import write_messages
from keeptrusts.providers.translation.messages_to_chat.members import MEMBERS, find_obstacle
from keeptrusts.providers.translation.messages_to_chat.reply import read_reply
from keeptrusts.providers.translation.messages_to_chat.settings import write_settings
from keeptrusts.providers.translation.messages_to_chat.signatures import sign
from keeptrusts.providers.translation.messages_to_chat.stream import MessageStream
from keeptrusts.providers.translation.messages_to_chat.tools import write_tools
from keeptrusts.providers.translation.translator import Translated


class MessagesToChat:
    """See `Translator`."""

    route = Route.CHAT

    def obstacle(self, call: Call) -> str | None:
        return find_obstacle(call.tree)

    def explain(self, obstacle: str) -> str:
        return explain_obstacle(obstacle, MEMBERS)

    def write_call(self, call: Call, *, model: str, changes: Changes, max_output_tokens: int | None) -> bytes:
        tree = replace_at(call.tree, changes) if changes else call.tree
        body: dict[str, Any] = {
            "model": model,
            "messages": sign(write_messages(tree), model),
            **write_tools(tree),
            **write_settings(tree, model, max_output_tokens),
        }
        if call.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return encode(body)

    def read_reply(self, body: bytes, *, model: str, created: int) -> Translated:  # noqa: ARG002 - messages have no time
        return read_reply(body, model)

    def open_stream(self, *, model: str, created: int) -> MessageStream:  # noqa: ARG002 - messages have no time
        return MessageStream(model)
