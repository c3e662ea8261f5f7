"""A streamed answer of Anthropic's Messages as chunks of a chat completion, event by event.

One decode for each event. All chunks are alike but for their delta, so the rest of them is rendered once.
"""

from typing import Any

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.usage import Usage
from keeptrusts.providers.json_body import encode
from keeptrusts.providers.translation.chat_to_messages.events import Delta, Event, Start, read_event
from keeptrusts.providers.translation.chat_to_messages.reply import (
    SILENT,
    Block,
    arguments_of,
    find_usage,
    finish_reason,
    thinking_tokens,
    uncarried,
    write_usage,
)

_DONE = b"data: [DONE]\n\n"
_QUIET_DELTAS = frozenset({"signature_delta", "citations_delta"})


class ChatChunks:
    """Translates one streamed answer. See `StreamTranslator`."""

    def __init__(self, model: str, created: int) -> None:
        self.usage: Usage | None = None
        self._model = model
        self._created = created
        self._head = b""  # of every chunk, up to its delta
        self._stop_reason: str | None = None
        self._refusal: str | None = None
        self._thought: int | None = None
        self._tool = -1  # index of the last call of a tool
        self._input: str | None = None  # of the block that is open, as long as no part of it was sent

    def feed(self, event: bytes) -> list[bytes]:
        """Raises Fault(UPSTREAM_ERROR) for an event that cannot be read, or that chunks cannot carry."""
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
        kind = delta.type
        if kind == "text_delta":
            return self._text(b"content", delta.text)
        if kind == "input_json_delta":
            if not delta.partial_json:
                return []
            self._input = None
            return [self._call_chunk(b'"function":{"arguments":%b}' % encode(delta.partial_json))]
        if kind == "thinking_delta":
            return self._text(b"reasoning_content", delta.thinking)
        if kind in _QUIET_DELTAS:
            return []
        raise uncarried(kind)

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
        return [_write_error(event.error)] if kind == "error" else []  # `ping`, and what else may come

    def _open(self, message: Start) -> list[bytes]:
        self.usage = find_usage(message.usage)
        envelope = {
            "id": message.id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "system_fingerprint": None,
        }
        self._head = b"data: %b," % encode(envelope)[:-1]
        return [self._chunk(b'"role":"assistant","content":""')]

    def _start(self, block: Block) -> list[bytes]:
        """Blocks begin empty and grow; what one begins with is sent too."""
        if block.type == "text":
            return self._text(b"content", block.text)
        if block.type == "thinking":
            return self._text(b"reasoning_content", block.thinking)
        if block.type == "tool_use":
            self._tool += 1
            self._input = arguments_of(block)
            names = b'"id":%b,"type":"function","function":{"name":%b,"arguments":""}'
            return [self._call_chunk(names % (encode(block.id), encode(block.name)))]
        if block.type in SILENT:
            return []
        raise uncarried(block.type)

    def _stop(self) -> list[bytes]:
        """The input of a tool that did not grow is the one that it began with."""
        whole, self._input = self._input, None
        return [] if whole is None else [self._call_chunk(b'"function":{"arguments":%b}' % encode(whole))]

    def _note(self, event: Event) -> None:
        """How the message ends. Its counts are those of the whole answer."""
        self.usage = find_usage(event.usage, self.usage)
        self._thought = thinking_tokens(event.usage)
        if event.delta is not None:
            self._stop_reason = event.delta.stop_reason
            details = event.delta.stop_details
            self._refusal = details.explanation if details else None

    def _close(self) -> list[bytes]:
        chunks = self._text(b"refusal", self._refusal) if self._refusal else []
        reason = encode(finish_reason(self._stop_reason))
        chunks.append(
            self._head + b'"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":%b}]}\n\n' % reason
        )
        if self.usage is not None:
            counts = encode(write_usage(self.usage, self._thought))
            chunks.append(self._head + b'"choices":[],"usage":%b}\n\n' % counts)
        chunks.append(_DONE)
        return chunks

    def _text(self, field: bytes, text: str) -> list[bytes]:
        return [self._chunk(b'"%b":%b' % (field, encode(text)))] if text else []

    def _call_chunk(self, call: bytes) -> bytes:
        return self._chunk(b'"tool_calls":[{"index":%d,%b}]' % (self._tool, call))

    def _chunk(self, delta: bytes) -> bytes:
        if not self._head:
            raise Fault(Code.UPSTREAM_ERROR, "The provider's stream does not begin with message_start.")
        return b'%b"choices":[{"index":0,"delta":{%b},"logprobs":null,"finish_reason":null}]}\n\n' % (self._head, delta)


def _write_error(error: Any) -> bytes:
    """The provider's in-band error, such that OpenAI's SDK raises it."""
    inner = error if type(error) is dict else {}
    message, kind = inner.get("message"), inner.get("type")
    written = {
        "message": message if type(message) is str and message else "The provider gave no reason.",
        "type": kind if type(kind) is str and kind else "api_error",
        "param": None,
        "code": kind if type(kind) is str and kind else None,
    }
    return b"data: %b\n\n" % encode({"error": written})
