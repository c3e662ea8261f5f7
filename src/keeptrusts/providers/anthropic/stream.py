"""Streams of messages. A channel is one text of one content block: (index, type of its deltas)."""

from typing import Any

from keeptrusts.contract.call import Changes, Channel, Form, Fragment, Path, Piece, Role, Text, Unreadable
from keeptrusts.contract.faults import Code
from keeptrusts.contract.usage import Usage
from keeptrusts.providers import sse, streams
from keeptrusts.providers.anthropic.blocks import collect_block, collect_blocks
from keeptrusts.providers.anthropic.messages import REPLY_SETTINGS
from keeptrusts.providers.errors import anthropic_type, named
from keeptrusts.providers.inventory import NEUTRAL, Inventory
from keeptrusts.providers.json_body import replace_at
from keeptrusts.providers.template import ShortPath, with_text
from keeptrusts.providers.usage import anthropic_usage, read_counts

_DELTA_KEYS = ("type", "text")  # as many as the usual delta has
_DELTA = b"event: content_block_delta\n"
_DELTA_FIELDS = {
    "text_delta": ("text", Form.PROSE),
    "input_json_delta": ("partial_json", Form.JSON),
    "thinking_delta": ("thinking", Form.PROSE),
    "compaction_delta": ("content", Form.PROSE),
}
_START_FIELDS = {"text": ("text", "text_delta"), "thinking": ("thinking", "thinking_delta")}
_QUIET = frozenset({"message_start", "message_delta", "message_stop", "content_block_stop", "ping"})
_MESSAGES = {"message_start": "message", "message_delta": "delta"}
"""Events that bear members of the message itself, and under which key."""

_NOTHING: frozenset[str] = frozenset()


class MessagesStream:
    """Reads one streamed reply. See `StreamReader`."""

    def __init__(self, _strip_usage: bool) -> None:
        self.usage: Usage | None = None
        self.is_complete = False
        self.failure: str | None = None
        self._open: dict[Channel, tuple[str, Form]] = {}  # field of the delta, how to read it
        self._short = ShortPath()

    @property
    def is_over(self) -> bool:
        return self.is_complete

    def watch(self, event: bytes) -> bytes:
        if not event.startswith(_DELTA):
            tree = streams.find_tree(sse.parse(event)[1])
            if tree is not None:
                self._note(tree)
        return event

    def read(self, event: bytes) -> Piece:
        return self._short.find(event) or self._read_event(event)

    def _read_event(self, event: bytes) -> Piece:
        data = event[len(_DELTA) + 6 :] if event.startswith(_DELTA + b"data: ") else sse.parse(event)[1]
        if not data:
            return Piece(event=event)
        tree = streams.find_tree(data)
        if tree is None:
            tree = streams.find_tree(sse.parse(event)[1])
        if tree is None:
            return Piece(event=event, unreadable=(Unreadable((), streams.UNREADABLE_EVENT),))
        kind = streams.type_of(tree)
        if kind == "content_block_delta":
            return self._read_delta(event, tree)
        self._short.drop()
        self._note(tree)
        if kind == "content_block_start":
            return self._read_start(event, tree)
        index = streams.index_of(tree.get("index"))
        found = Inventory()
        if kind in _MESSAGES:
            _collect_message(found, (_MESSAGES[kind],), tree.get(_MESSAGES[kind]))
        elif kind not in _QUIET:  # `error`, and whatever else may come
            found.members(tree, {"error": streams.collect_error}, _NOTHING, Role.ASSISTANT)
        return Piece(
            event=event,
            tree=tree,
            repeats=tuple(found.texts),
            closes=self._close(index) if kind == "content_block_stop" else (),
            closes_all=kind in {"message_delta", "message_stop", "error"},
            unreadable=tuple(found.unreadable),
        )

    def write(self, piece: Piece, changes: Changes) -> bytes:
        if piece.literal is not None:
            return with_text(piece, changes) if changes else piece.event
        real = streams.effective(piece.tree, changes)
        if not real:
            return piece.event
        return streams.rewritten(piece.event, replace_at(piece.tree, real))

    def carry(self, channel: Channel, text: str) -> bytes:
        index, kind = channel if isinstance(channel, tuple) else (0, "text_delta")
        delta = {"type": kind, _DELTA_FIELDS[kind][0]: text}
        return streams.event_of("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})

    def fail(self, code: Code, message: str, request_id: str, policy: str | None = None) -> bytes:
        error = {"type": anthropic_type(code), "message": message, "code": code, **named(policy)}
        return streams.event_of("error", {"type": "error", "error": error, "request_id": request_id})

    def _note(self, tree: dict[str, Any]) -> None:
        kind = streams.type_of(tree)
        message = tree.get("message")
        usage = message.get("usage") if type(message) is dict else tree.get("usage")
        counts = read_counts(usage)
        if counts is not None:
            self.usage = anthropic_usage(counts, self.usage)
        if kind == "error":
            self.failure = streams.kind_of(tree.get("error"))
        if kind == "message_stop":
            self.is_complete = True

    def _read_delta(self, event: bytes, tree: dict[str, Any]) -> Piece:
        delta = tree.get("delta")
        kind = delta.get("type") if type(delta) is dict else None
        if type(delta) is dict and type(kind) is str:
            if kind in _DELTA_FIELDS:
                field, form = _DELTA_FIELDS[kind]
                value = delta.get(field)
                if type(value) is str:
                    channel = (streams.index_of(tree.get("index")), kind)
                    self._open[channel] = (field, form)
                    fragment = Fragment(channel, ("delta", field), value, form)
                    fragments = (fragment,) if value else ()
                    if len(delta) > len(_DELTA_KEYS) or not value:
                        return Piece(event=event, tree=tree, fragments=fragments, repeats=_read_others(delta, field))
                    self._short.keep(event, tree, fragment)
                    return Piece(event=event, tree=tree, fragments=fragments)
                if value is None:
                    return Piece(event=event, tree=tree)
            if kind == "signature_delta":
                return Piece(event=event, tree=tree)
            if kind == "citations_delta":
                found = Inventory()
                found.strings(("delta", "citation"), delta.get("citation"), Role.ASSISTANT)
                return Piece(event=event, tree=tree, repeats=tuple(found.texts))
        return Piece(event=event, tree=tree, unreadable=(Unreadable(("delta",), "unknown"),))

    def _read_start(self, event: bytes, tree: dict[str, Any]) -> Piece:
        """Blocks begin empty and grow, but for those of tools at the provider, which come whole."""
        block = tree.get("content_block")
        kind = block.get("type") if type(block) is dict else None
        path: Path = ("content_block",)
        fragments: tuple[Fragment, ...] = ()
        if type(block) is dict and type(kind) is str and kind in _START_FIELDS:
            field, delta = _START_FIELDS[kind]
            value = block.get(field)
            if type(value) is str and value:
                channel = (streams.index_of(tree.get("index")), delta)
                self._open[channel] = _DELTA_FIELDS[delta]
                fragments = (Fragment(channel, (*path, field), value),)
            if type(value) is str:
                block = {key: inner for key, inner in block.items() if key != field}
        found = Inventory()
        collect_block(found, path, block, Role.ASSISTANT)
        return Piece(
            event=event,
            tree=tree,
            fragments=fragments,
            repeats=tuple(found.texts),
            unreadable=tuple(found.unreadable),
        )

    def _close(self, index: Any) -> tuple[Channel, ...]:
        closed = tuple(channel for channel in self._open if isinstance(channel, tuple) and channel[0] == index)
        for channel in closed:
            del self._open[channel]
        return closed


def _collect_message(found: Inventory, path: Path, message: Any) -> None:
    """As of a whole reply: mostly empty at the begin, and at the end why it ended, which may be said in words."""
    for key, value in message.items() if type(message) is dict else ():
        if key == "content":
            collect_blocks(found, (*path, key), value, Role.ASSISTANT)
        elif key not in REPLY_SETTINGS and key not in NEUTRAL:
            found.strings((*path, key), value, Role.ASSISTANT)


def _read_others(delta: dict[str, Any], field: str) -> tuple[Text, ...]:
    """The strings of a delta beside its text."""
    found = Inventory()
    for key, value in delta.items():
        if key != field and key not in NEUTRAL:
            found.strings(("delta", key), value, Role.ASSISTANT)
    return tuple(found.texts)
