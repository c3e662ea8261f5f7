"""A streamed chat completion as the events of a streamed message.

The usage comes behind the reason why the answer ended, so the end of the message waits for it, or for the end of the
stream. A stream that breaks off gets no end; one that holds what a message cannot is a fault of the provider.
"""

from typing import Any

from keeptrusts.contract.usage import Usage
from keeptrusts.providers import sse, streams
from keeptrusts.providers.errors import read_error
from keeptrusts.providers.translation.messages_to_chat.completion import (
    Choice,
    Completion,
    calls_of,
    decode_completion,
    texts_of,
    unfit,
)
from keeptrusts.providers.translation.messages_to_chat.ending import (
    NOTHING_USED,
    ending,
    message_id,
    read_usage,
    write_usage,
)
from keeptrusts.providers.translation.messages_to_chat.sequence import BlockSequence

_STOP = streams.event_of("message_stop", {"type": "message_stop"})
_ERRORS = {
    "authentication_error": "authentication_error",
    "insufficient_quota": "rate_limit_error",
    "invalid_request_error": "invalid_request_error",
    "overloaded_error": "overloaded_error",
    "permission_error": "permission_error",
    "rate_limit_error": "rate_limit_error",
    "rate_limit_exceeded": "rate_limit_error",
    "requests": "rate_limit_error",
    "tokens": "rate_limit_error",
}
"""OpenAI's types and codes of errors as types that Anthropic's SDK knows; any other is an `api_error`."""


class MessageStream:
    """See `StreamTranslator`."""

    def __init__(self, model: str) -> None:
        self.usage: Usage | None = None
        self._model = model
        self._blocks: BlockSequence | None = None  # None until the message has begun
        self._finish_reason: str | None = None
        self._matched: Any = None
        self._is_over = False

    def feed(self, event: bytes) -> list[bytes]:
        data = event[6:] if event.startswith(b"data: ") else sse.parse(event)[1]
        try:
            chunk = decode_completion(data)
        except (ValueError, RecursionError):  # msgspec's errors and bad UTF-8 are ValueErrors
            return self._feed_other(event)
        return self._feed_chunk(chunk, data)

    def finish(self) -> list[bytes]:
        """Some servers end without [DONE]: then the answer must have said why it ended."""
        return [] if self._is_over or self._finish_reason is None else self._end([])

    def _feed_other(self, event: bytes) -> list[bytes]:
        """The end of the stream, a comment, or an event whose data stand on several lines."""
        data = sse.parse(event)[1]
        if not data or self._is_over:
            return []
        if data.startswith(b"[DONE]"):
            return self._end([])
        try:
            chunk = decode_completion(data)
        except (ValueError, RecursionError):
            raise unfit("has an event that is no chunk") from None
        return self._feed_chunk(chunk, data)

    def _feed_chunk(self, chunk: Completion, data: bytes) -> list[bytes]:
        if chunk.usage is not None:
            self.usage = read_usage(chunk.usage) or self.usage
        if self._is_over:
            return []
        if chunk.error:
            self._is_over = True
            error = read_error(data, b"application/json")
            kind = _ERRORS.get(error.code or "") or _ERRORS.get(error.type or "") or "api_error"
            tree = {"type": "error", "error": {"type": kind, "message": error.message}}
            return [streams.event_of("error", tree)]
        out: list[bytes] = []
        for choice in chunk.choices or ():
            if choice.index == 0:
                self._add(choice, self._begin(chunk, out), out)
        if chunk.usage is not None and self._finish_reason is not None:
            return self._end(out)
        return out

    def _begin(self, chunk: Completion, out: list[bytes]) -> BlockSequence:
        if self._blocks is None:
            name = message_id(chunk.id)
            self._blocks = BlockSequence(name)
            out.append(_start_event(name, self._model))
        return self._blocks

    def _add(self, choice: Choice, blocks: BlockSequence, out: list[bytes]) -> None:
        delta = choice.delta or choice.message
        if delta is not None:
            for kind, text in texts_of(delta):
                blocks.add_text(kind, text, out)
            for position, call in enumerate(calls_of(delta)):
                blocks.add_call(call, position, out)
        if choice.finish_reason is not None:
            self._finish_reason, self._matched = choice.finish_reason, choice.stop_reason

    def _end(self, out: list[bytes]) -> list[bytes]:
        blocks = self._blocks
        if blocks is None:
            raise unfit("ends before it begins")
        blocks.close(out, is_cut_short=self._finish_reason == "length")
        self._is_over = True
        delta = ending(self._finish_reason, self._matched, uses_tools=blocks.uses_tools, refuses=blocks.refuses)
        tree = {"type": "message_delta", "delta": delta, "usage": write_usage(self.usage)}
        return [*out, streams.event_of("message_delta", tree), _STOP]


def _start_event(name: str, model: str) -> bytes:
    message: dict[str, Any] = {
        "id": name,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": NOTHING_USED,
    }
    return streams.event_of("message_start", {"type": "message_start", "message": message})
