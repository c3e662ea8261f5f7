"""A streamed answer of Anthropic's Messages as the events of a response.

A block is an item: announced, grown, said again whole, ended. It is announced with the first thing that it says: a
block that says nothing is no item. The rest of a delta event is rendered once for each item.
"""

from typing import Any

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.usage import Usage
from keeptrusts.providers import sse
from keeptrusts.providers.json_body import encode
from keeptrusts.providers.translation.chat_to_messages.events import Delta, Event, Start, read_event
from keeptrusts.providers.translation.chat_to_messages.reply import (
    SILENT,
    Block,
    arguments_of,
    find_usage,
    thinking_tokens,
    uncarried,
)
from keeptrusts.providers.translation.responses_to_messages.response import (
    call_item,
    ending,
    envelope,
    message_item,
    reasoning_item,
    refusal_part,
    text_part,
    write_usage,
)

_QUIET_DELTAS = frozenset({"signature_delta", "citations_delta"})
_CODES = {"rate_limit_error": "rate_limit_exceeded", "invalid_request_error": "invalid_prompt"}
"""Kinds of Anthropic's errors that clients of the Responses API tell from the failure of a server."""


class ResponseEvents:
    """Translates one streamed answer. See `StreamTranslator`."""

    def __init__(self, model: str, created: int) -> None:
        self.usage: Usage | None = None
        self._model = model
        self._created = created
        self._response: dict[str, Any] | None = None  # as it began
        self._number = 0  # of the next event
        self._output: list[dict[str, Any]] = []  # items that ended
        self._block: Block | None = None  # the one that is open
        self._at = -1  # its place among the blocks
        self._texts: list[str] = []  # what it said
        self._delta = (b"", b"")  # what stands around the number and the text of its deltas
        self._ending: dict[str, Any] = ending(None)
        self._refusal: str | None = None
        self._thought: int | None = None

    def feed(self, event: bytes) -> list[bytes]:
        """Raises Fault(UPSTREAM_ERROR) for an event that cannot be read, or that a response cannot carry."""
        read = read_event(event)
        if read is None:
            return []
        if read.type == "content_block_delta" and read.delta is not None:
            return self._grow(read.delta)
        return self._change(read)

    @staticmethod
    def finish() -> list[bytes]:
        """Nothing is left: `message_stop` is the one end of a message."""
        return []

    def _grow(self, delta: Delta) -> list[bytes]:
        if delta.type in _QUIET_DELTAS:
            return []
        text = delta.text or delta.partial_json or delta.thinking
        block = self._block
        if block is None or delta.type not in _DELTAS or _DELTAS[delta.type] != block.type:
            raise uncarried(delta.type)
        return self._say(block, text) if text else []

    def _change(self, event: Event) -> list[bytes]:
        kind = event.type
        if kind == "message_start" and event.message is not None:
            return self._open(event.message)
        if kind == "content_block_start" and event.content_block is not None:
            return self._start(event.content_block)
        if kind == "content_block_stop":
            return self._stop()
        if kind == "message_delta":
            self._note(event)
            return []
        if kind == "message_stop":
            return self._close()
        return self._fail(event.error) if kind == "error" else []  # `ping`, and what else may come

    def _open(self, message: Start) -> list[bytes]:
        self.usage = find_usage(message.usage)
        return self._begin(message.id)

    def _begin(self, identifier: str) -> list[bytes]:
        self._response = envelope(identifier, self._model, self._created)
        return [
            self._event("response.created", response=self._response),
            self._event("response.in_progress", response=self._response),
        ]

    def _start(self, block: Block) -> list[bytes]:
        """Blocks begin empty and grow; what one begins with is said too."""
        if self._response is None:
            raise Fault(Code.UPSTREAM_ERROR, "The provider's stream does not begin with message_start.")
        self._at += 1
        self._texts = []
        self._block = None if block.type in SILENT else block
        if block.type == "tool_use":
            return self._announce(block)
        if block.type in {"text", "thinking"}:
            text = block.text or block.thinking
            return self._say(block, text) if text else []
        if block.type in SILENT:
            return []
        raise uncarried(block.type)

    def _say(self, block: Block, text: str) -> list[bytes]:
        before = [] if self._texts or block.type == "tool_use" else self._announce(block)
        self._texts.append(text)
        head, tail = self._delta
        self._number += 1
        before.append(b"%b%d%b%b}\n\n" % (head, self._number - 1, tail, encode(text)))
        return before

    def _announce(self, block: Block) -> list[bytes]:
        place = self._place()
        if block.type == "tool_use":
            self._delta = _around("response.function_call_arguments.delta", place)
            return [self._added({**call_item(place["item_id"], block, ""), "status": "in_progress"})]
        if block.type == "thinking":
            self._delta = _around("response.reasoning_summary_text.delta", {**place, "summary_index": 0})
            part = {"type": "summary_text", "text": ""}
            return [
                self._added({"id": place["item_id"], "type": "reasoning", "summary": []}),
                self._event("response.reasoning_summary_part.added", **place, summary_index=0, part=part),
            ]
        self._delta = _around("response.output_text.delta", {**place, "content_index": 0, "logprobs": []})
        return self._announce_message(place, text_part(""))

    def _announce_message(self, place: dict[str, Any], part: dict[str, Any]) -> list[bytes]:
        return [
            self._added({**message_item(place["item_id"]), "status": "in_progress"}),
            self._event("response.content_part.added", **place, content_index=0, part=part),
        ]

    def _stop(self) -> list[bytes]:
        """An item says itself again, whole. The input of a tool that did not grow is the one that it began with."""
        block, self._block = self._block, None
        if block is None or (block.type != "tool_use" and not self._texts):
            return []
        place, text = self._place(), "".join(self._texts)
        if block.type == "tool_use":
            sent = [] if text else self._say(block, arguments_of(block))
            arguments = text or arguments_of(block)
            done = {"name": block.name, "arguments": arguments}
            sent.append(self._event("response.function_call_arguments.done", **place, **done))
            return [*sent, self._done(call_item(place["item_id"], block, arguments))]
        if block.type == "thinking":
            part = {"type": "summary_text", "text": text}
            return [
                self._event("response.reasoning_summary_text.done", **place, summary_index=0, text=text),
                self._event("response.reasoning_summary_part.done", **place, summary_index=0, part=part),
                self._done(reasoning_item(place["item_id"], text)),
            ]
        return [
            self._event("response.output_text.done", **place, content_index=0, text=text, logprobs=[]),
            *self._end_message(place, text_part(text)),
        ]

    def _end_message(self, place: dict[str, Any], part: dict[str, Any]) -> list[bytes]:
        return [
            self._event("response.content_part.done", **place, content_index=0, part=part),
            self._done(message_item(place["item_id"], part)),
        ]

    def _note(self, event: Event) -> None:
        """How the message ends. Its counts are those of the whole answer."""
        self.usage = find_usage(event.usage, self.usage)
        self._thought = thinking_tokens(event.usage)
        if event.delta is not None:
            self._ending = ending(event.delta.stop_reason)
            details = event.delta.stop_details
            self._refusal = details.explanation if details else None

    def _close(self) -> list[bytes]:
        if self._response is None:
            raise Fault(Code.UPSTREAM_ERROR, "The provider's stream does not begin with message_start.")
        sent = self._refuse(self._refusal) if self._refusal else []
        counts = None if self.usage is None else write_usage(self.usage, self._thought)
        response = {**self._response, **self._ending, "output": self._output, "usage": counts}
        sent.append(self._event(f"response.{response['status']}", response=response))
        return sent

    def _refuse(self, text: str) -> list[bytes]:
        place = {**self._place(), "item_id": f"{self._identifier()}_refusal"}
        return [
            *self._announce_message(place, refusal_part("")),
            self._event("response.refusal.delta", **place, content_index=0, delta=text),
            self._event("response.refusal.done", **place, content_index=0, refusal=text),
            *self._end_message(place, refusal_part(text)),
        ]

    def _fail(self, error: Any) -> list[bytes]:
        """The provider's in-band error, such that OpenAI's SDK and its users see a failed response."""
        before = self._begin("") if self._response is None else []
        inner = error if type(error) is dict else {}
        message, kind = inner.get("message"), inner.get("type")
        said = {
            "code": _CODES.get(kind, "server_error") if type(kind) is str else "server_error",
            "message": message if type(message) is str and message else "The provider gave no reason.",
        }
        response = {**(self._response or {}), "status": "failed", "error": said, "output": self._output}
        return [*before, self._event("response.failed", response=response)]

    def _identifier(self) -> str:
        return str(self._response["id"]) if self._response else ""

    def _place(self) -> dict[str, Any]:
        """Where the item that is open stands."""
        return {"item_id": f"{self._identifier()}_{self._at}", "output_index": len(self._output)}

    def _added(self, item: dict[str, Any]) -> bytes:
        return self._event("response.output_item.added", output_index=len(self._output), item=item)

    def _done(self, item: dict[str, Any]) -> bytes:
        self._output.append(item)
        return self._event("response.output_item.done", output_index=len(self._output) - 1, item=item)

    def _event(self, kind: str, **members: Any) -> bytes:
        number = self._number
        self._number += 1
        return sse.render(kind, encode({"type": kind, "sequence_number": number, **members}))


_DELTAS = {"text_delta": "text", "input_json_delta": "tool_use", "thinking_delta": "thinking"}
"""Which type of block each type of delta belongs to."""


def _around(kind: str, members: dict[str, Any]) -> tuple[bytes, bytes]:
    """The bytes of a delta event before its number, and those between its number and its text."""
    name = kind.encode()
    head = b'event: %b\ndata: {"type":"%b","sequence_number":' % (name, name)
    return head, b',%b,"delta":' % encode(members)[1:-1]
