"""Streams of the Responses API.

Deltas bear an output index and one further index; later events say whole what deltas said before. Every event is
numbered, so a further event of ours moves the numbers of all that follow.
"""

import re
from typing import Any

import msgspec

from keeptrusts.contract.call import Changes, Channel, Form, Fragment, Path, Piece, Role, Unreadable
from keeptrusts.contract.faults import Code
from keeptrusts.contract.usage import Usage
from keeptrusts.providers import sse, streams
from keeptrusts.providers.errors import POLICY_CODES, is_budget, named
from keeptrusts.providers.inventory import NEUTRAL, Inventory
from keeptrusts.providers.json_body import replace_at
from keeptrusts.providers.openai.items import collect_item
from keeptrusts.providers.openai.parts import collect_part
from keeptrusts.providers.openai.responses import collect_response
from keeptrusts.providers.template import ShortPath, with_text
from keeptrusts.providers.usage import openai_usage, read_counts

_LIFECYCLE = frozenset({
    "response.created", "response.queued", "response.in_progress", "response.completed", "response.incomplete",
    "response.failed", "response.cancelled",
})  # fmt: skip
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled", "error"})
_NOTED = _LIFECYCLE | _ENDS
_BINARY = frozenset({"response.audio.delta", "response.image_generation_call.partial_image"})
_SUB_INDEXES = ("content_index", "summary_index", "command_index")
_LEFT_OUT = frozenset({"obfuscation"})
_ERROR_WORDS = frozenset({"code", "param"})
_NUMBER = re.compile(rb'"sequence_number"\s*:\s*([0-9]+)')


class _Head(msgspec.Struct):
    type: str = ""
    sequence_number: int | None = None


_decode_head = msgspec.json.Decoder(_Head).decode


class ResponsesStream:
    """Reads one streamed reply. See `StreamReader`."""

    def __init__(self, _strip_usage: bool) -> None:
        self.usage: Usage | None = None
        self.is_complete = False
        self.failure: str | None = None
        self._response: dict[str, Any] | None = None  # as the first event showed it
        self._last_event = b""
        self._number: int | None = None  # of the last event that went out
        self._shift = 0  # how many events of ours went out before
        self._origins: dict[Channel, tuple[dict[str, Any], Path]] = {}
        self._short = ShortPath()

    @property
    def is_over(self) -> bool:
        return self.is_complete

    def watch(self, event: bytes) -> bytes:
        name = event[7 : event.find(b"\n")] if event.startswith(b"event: ") else b""
        if name.startswith(b"response.") and name.endswith((b".delta", b".done")):
            self._last_event = event
            return event
        _, data = sse.parse(event)
        tree = streams.find_tree(data)
        if tree is not None:
            self._last_event = event
            self._note(tree)
        return event

    def read(self, event: bytes) -> Piece:
        piece = self._short.find(event)
        if piece is not None:
            self._last_event = event
            return piece
        _, data = sse.parse(event)
        if not data or data.startswith(b"[DONE]"):
            return Piece(event=event, closes_all=bool(data))
        tree = streams.find_tree(data)
        if tree is None:
            return Piece(event=event, unreadable=(Unreadable((), streams.UNREADABLE_EVENT),))
        self._last_event = event
        kind = streams.type_of(tree)
        if kind.endswith(".delta") and kind not in _BINARY:
            fragments = self._read_delta(kind[:-6], tree)
            if fragments:
                found = _find_others(tree)
                is_plain = not (found.texts or found.unreadable or tree.get("logprobs"))
                if is_plain and len(fragments) == 1 and fragments[0].path == ("delta",):
                    self._short.keep(event, tree, fragments[0])
                return Piece(
                    event=event,
                    tree=tree,
                    fragments=fragments,
                    repeats=tuple(found.texts),
                    unreadable=tuple(found.unreadable),
                )
        self._note(tree)
        return self._read_whole(kind, event, tree)

    def write(self, piece: Piece, changes: Changes) -> bytes:
        if piece.literal is not None and not self._shift:
            return self._write_short(piece, changes)
        tree: Any = piece.tree if piece.literal is None else streams.find_tree(sse.parse(piece.event)[1])
        number = tree.get("sequence_number") if tree else None
        real = streams.effective(tree, changes)
        if type(number) is int:
            self._number = number + self._shift
        if not real and (not self._shift or type(number) is not int):
            return piece.event
        if real:
            tree = replace_at(tree, real)
            tree = (
                streams.without_logprobs(tree)
                if b'"logprobs":[{' in piece.event or b'"logprobs": [' in piece.event
                else tree
            )
        if type(number) is int and self._shift:
            tree = {**tree, "sequence_number": self._number}
        return streams.rewritten(piece.event, tree)

    def _write_short(self, piece: Piece, changes: Changes) -> bytes:
        number = _NUMBER.search(piece.event)
        if number is not None:
            self._number = int(number[1])
        return with_text(piece, changes) if changes else piece.event

    def carry(self, channel: Channel, text: str) -> bytes:
        origin, path = self._origins[channel]
        judged = {key for key, value in origin.items() if type(value) is str and key not in NEUTRAL}
        tree = streams.sole_text(origin, path, text, _LEFT_OUT | judged)
        if "logprobs" in origin:
            tree["logprobs"] = []
        if self._number is not None:
            self._shift += 1
            self._number += 1
            tree["sequence_number"] = self._number
        return streams.event_of(tree["type"], tree)

    def fail(self, code: Code, message: str, request_id: str, policy: str | None = None) -> bytes:
        number = self._next_number()
        before = b""
        if self._response is None:  # SDKs raise another error where the first event is not this one
            self._response = _empty_response(request_id)
            created = {"type": "response.created", "sequence_number": number, "response": self._response}
            before = streams.event_of("response.created", created)
            number += 1
        error = {
            "code": _code_of(code),
            "message": f"{message} (code {code.value}, request {request_id})",
            **named(policy),
        }
        response = {**self._response, "status": "failed", "error": error}
        tree = {"type": "response.failed", "sequence_number": number, "response": response}
        return before + streams.event_of("response.failed", tree)

    def _next_number(self) -> int:
        number = self._number
        if number is None and self._last_event:  # only watched so far
            try:
                number = _decode_head(sse.parse(self._last_event)[1]).sequence_number
            except (msgspec.DecodeError, UnicodeDecodeError):
                number = None
        return 0 if number is None else number + 1

    def _note(self, tree: dict[str, Any]) -> None:
        kind = streams.type_of(tree)
        response = tree.get("response")
        if type(response) is dict and kind in _LIFECYCLE:
            if self._response is None:
                self._response = response
            counts = read_counts(response.get("usage"), response.get("service_tier"))
            self.usage = (openai_usage(counts) if counts else None) or self.usage
            if kind == "response.failed":
                self.failure = streams.kind_of(response.get("error"))
        if kind == "error" or tree.get("error"):
            self.failure = streams.kind_of(tree.get("error") or tree)
        if kind in _ENDS:
            self.is_complete = True

    def _read_delta(self, root: str, tree: dict[str, Any]) -> tuple[Fragment, ...]:
        delta = tree.get("delta")
        channel = _channel_of(root, tree)
        form = Form.JSON if root.endswith("arguments") else Form.PROSE
        if type(delta) is str:
            self._origins[channel] = (tree, ("delta",))
            return (Fragment(channel, ("delta",), delta, form),) if delta else ()
        fragments = []
        for key, value in delta.items() if type(delta) is dict else ():
            if type(value) is str and value:
                fragments.append(Fragment((*channel, key), ("delta", key), value, form))
                self._origins[(*channel, key)] = (tree, ("delta", key))
        return tuple(fragments)

    def _read_whole(self, kind: str, event: bytes, tree: dict[str, Any]) -> Piece:
        found = Inventory()
        words = _ERROR_WORDS if kind == "error" else _LEFT_OUT
        if kind in _LIFECYCLE and type(tree.get("response")) is dict:
            collect_response(("response",), tree["response"], found)
        elif kind in _BINARY:
            found.unread((), "audio" if "audio" in kind else "image")
        else:
            for key, value in tree.items():
                if key == "item":
                    collect_item(found, (key,), value, Role.ASSISTANT)
                elif key == "part":
                    collect_part(found, (key,), value, Role.ASSISTANT)
                elif key == "arguments" and type(value) is str:
                    found.text((key,), value, Role.ASSISTANT, Form.JSON)
                else:
                    found.members({key: value}, {"error": streams.collect_error}, words, Role.ASSISTANT)
        return Piece(
            event=event,
            tree=tree,
            repeats=tuple(found.texts),
            closes=self._closed_by(kind, tree),
            closes_all=kind in _ENDS,
            unreadable=tuple(found.unreadable),
        )

    def _closed_by(self, kind: str, tree: dict[str, Any]) -> tuple[Channel, ...]:
        if not kind.endswith(".done"):
            return ()
        root, output, index, *_ = _channel_of(kind[:-5], tree)
        if kind == "response.output_item.done":
            return tuple(channel for channel in self._origins if _part(channel, 1) == output)
        if kind.endswith("_part.done"):
            return tuple(
                channel for channel in self._origins if _part(channel, 1) == output and _part(channel, 2) == index
            )
        return tuple(
            channel
            for channel in self._origins
            if _part(channel, 0) == root and _part(channel, 1) == output and _part(channel, 2) == index
        )


def _find_others(tree: dict[str, Any]) -> Inventory:
    """What a delta event says beside the texts that go on."""
    found = Inventory()
    found.members(tree, {"delta": _collect_nested}, _LEFT_OUT, Role.ASSISTANT)
    return found


def _collect_nested(found: Inventory, path: Path, delta: Any) -> None:
    for key, value in delta.items() if type(delta) is dict else ():
        if type(value) is not str:
            found.strings((*path, key), value, Role.ASSISTANT)


def _channel_of(root: str, tree: dict[str, Any]) -> tuple[Any, ...]:
    index = next((streams.index_of(tree[key]) for key in _SUB_INDEXES if key in tree), 0)
    return (root, streams.index_of(tree.get("output_index")), index)


def _part(channel: Channel, at: int) -> Any:
    return channel[at] if isinstance(channel, tuple) else None


def _code_of(code: Code) -> str:
    """The one field that clients look at before they repeat a whole turn."""
    if code in POLICY_CODES:
        return "invalid_prompt"
    return "insufficient_quota" if is_budget(code) else "server_error"


def _empty_response(request_id: str) -> dict[str, Any]:
    return {
        "id": f"resp_{request_id}",
        "object": "response",
        "created_at": 0,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": "",
        "output": [],
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
    }
