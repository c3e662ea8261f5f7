"""Lets clients of the Responses API be served by a target that speaks Anthropic's Messages."""

from keeptrusts.contract.call import Call, Changes, Route
from keeptrusts.providers.json_body import encode, replace_at
from keeptrusts.providers.translation.chat_to_messages.call import write_body
from keeptrusts.providers.translation.fate import explain_obstacle
from keeptrusts.providers.translation.members import find_refused
from keeptrusts.providers.translation.responses_to_messages import response
from keeptrusts.providers.translation.responses_to_messages.items import find_item_obstacle, write_input
from keeptrusts.providers.translation.responses_to_messages.members import MEMBERS
from keeptrusts.providers.translation.responses_to_messages.settings import chat_settings
from keeptrusts.providers.translation.responses_to_messages.stream import ResponseEvents
from keeptrusts.providers.translation.translator import StreamTranslator, Translated


class ResponsesToMessages:
    """See `Translator`."""

    route = Route.MESSAGES

    def obstacle(self, call: Call) -> str | None:
        return find_refused(call.tree, MEMBERS) or find_item_obstacle(call.tree.get("input"))

    def explain(self, obstacle: str) -> str:
        return explain_obstacle(obstacle, MEMBERS)

    def write_call(self, call: Call, *, model: str, changes: Changes, max_output_tokens: int | None) -> bytes:
        tree = replace_at(call.tree, changes) if changes else call.tree
        system, turns = write_input(tree.get("input"), tree.get("instructions"))
        limit = max_output_tokens if call.max_output_tokens is None else call.max_output_tokens
        return encode(write_body(chat_settings(tree), system, turns, model=model, limit=limit))

    def read_reply(self, body: bytes, *, model: str, created: int) -> Translated:
        return response.read_reply(body, model=model, created=created)

    def open_stream(self, *, model: str, created: int) -> StreamTranslator:
        return ResponseEvents(model, created)
