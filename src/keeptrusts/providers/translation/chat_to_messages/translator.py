"""Lets clients of chat completions be served by a target that speaks Anthropic's Messages."""

from keeptrusts.contract.call import Call, Changes, Route
from keeptrusts.providers.translation.chat_to_messages import call as calls
from keeptrusts.providers.translation.chat_to_messages import reply as replies
from keeptrusts.providers.translation.chat_to_messages.members import MEMBERS, find_obstacle
from keeptrusts.providers.translation.chat_to_messages.messages import find_message_obstacle
from keeptrusts.providers.translation.chat_to_messages.stream import ChatChunks
from keeptrusts.providers.translation.fate import explain_obstacle
from keeptrusts.providers.translation.translator import StreamTranslator, Translated


class ChatToMessages:
    """See `Translator`."""

    route = Route.MESSAGES

    def obstacle(self, call: Call) -> str | None:
        return find_obstacle(call.tree) or find_message_obstacle(call.tree.get("messages"))

    def explain(self, obstacle: str) -> str:
        return explain_obstacle(obstacle, MEMBERS)

    def write_call(self, call: Call, *, model: str, changes: Changes, max_output_tokens: int | None) -> bytes:
        return calls.write_call(call, model=model, changes=changes, max_output_tokens=max_output_tokens)

    def read_reply(self, body: bytes, *, model: str, created: int) -> Translated:
        return replies.read_reply(body, model=model, created=created)

    def open_stream(self, *, model: str, created: int) -> StreamTranslator:
        return ChatChunks(model, created)
