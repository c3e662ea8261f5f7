"""Streams of chat completions and of the older completions.

A channel is one text of one choice: (choice index, field, further index). When a new text of a choice begins, those
that have no part in its event are over; all are over when the choice finishes.
"""

from typing import Any

import msgspec

from keeptrusts.contract.call import Changes, Channel, Form, Fragment, Path, Piece, Role, Unreadable
from keeptrusts.contract.faults import Code
from keeptrusts.contract.usage import Usage
from keeptrusts.providers import sse, streams
from keeptrusts.providers.errors import named, openai_type
from keeptrusts.providers.inventory import NEUTRAL, Inventory
from keeptrusts.providers.json_body import encode, replace_at
from keeptrusts.providers.openai.parts import TEXT_FIELDS
from keeptrusts.providers.template import ShortPath, with_text
from keeptrusts.providers.usage import Counts, openai_usage, read_counts


class _Choice(msgspec.Struct):
    index: int = 0
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    """What a chunk says beside its text."""

    choices: list[_Choice] | None = None
    usage: Counts | None = None
    service_tier: str | None = None
    error: Any = None


_decode_chunk = msgspec.json.Decoder(_Chunk).decode

_CONTENT: Path = ("choices", 0, "delta", "content")
_PLAIN_CHOICE = frozenset(
    {"index", "delta", "logprobs", "finish_reason", "native_finish_reason", "content_filter_results"}
)
_PLAIN_DELTA = frozenset({"content", "role"})
_SETTINGS = frozenset({"choices", "usage", "service_tier", "system_fingerprint", "obfuscation", "x_groq", "provider"})
_ENVELOPE = _SETTINGS | {"id", "object", "created", "model"}
_LEFT_OUT = frozenset({"usage", "obfuscation"})
_QUIET_DELTAS = frozenset({"role", "tool_call_id", "logprobs"})
_CALL_KEYS = frozenset({"function", "custom", "extra_content"})
_AUDIO_KEYS = frozenset({"data", "transcript"})
_PART_KEYS = frozenset({"data"})  # encrypted reasoning


class ChatStream:
    """Reads one streamed reply. See `StreamReader`."""

    def __init__(self, strip_usage: bool) -> None:
        self.usage: Usage | None = None
        self.is_complete = False
        self.is_over = False
        self.failure: str | None = None
        self._strip_usage = strip_usage
        self._seen: set[int] = set()
        self._finished: set[int] = set()
        self._open: set[Channel] = set()
        self._origins: dict[Channel, tuple[dict[str, Any], Path]] = {}  # where each channel last spoke, texts apart
        self._short = ShortPath()

    def watch(self, event: bytes) -> bytes:
        try:
            chunk = _decode_chunk(event[6:])  # as good as every event is `data: ` and JSON
        except (msgspec.DecodeError, UnicodeDecodeError):
            tree = self._find_tree(event)
            if tree is None:
                return event
            chunk = _chunk_of(tree)
        return b"" if self._note(chunk) else event

    def read(self, event: bytes) -> Piece:
        piece = self._short.find(event)
        if piece is not None:
            return piece
        tree = self._find_tree(event)
        if tree is not None:
            return self._find_plain(event, tree) or self._read_chunk(event, tree)
        _, data = sse.parse(event)
        if data and not data.startswith(b"[DONE]"):
            return Piece(event=event, unreadable=(Unreadable((), streams.UNREADABLE_EVENT),))
        return Piece(event=event, closes_all=bool(data))

    def _find_tree(self, event: bytes) -> dict[str, Any] | None:
        """The event's data. Takes note of the end of the stream, which is not JSON."""
        if event.startswith(b"data: "):
            tree = streams.find_tree(event[6:])
            if tree is not None:
                return tree
        _, data = sse.parse(event)
        if data.startswith(b"[DONE]"):
            self.is_complete = self.is_over = True
        return streams.find_tree(data)

    def _find_plain(self, event: bytes, tree: dict[str, Any]) -> Piece | None:
        """The one shape that nearly every chunk has, read the short way: more content of a choice that is going on."""
        choices = tree.get("choices")
        if type(choices) is not list or len(choices) != 1 or tree.get("usage") or not tree.keys() <= _ENVELOPE:
            return None
        choice = choices[0]
        if type(choice) is not dict or not choice.keys() <= _PLAIN_CHOICE or choice.get("finish_reason") is not None:
            return None
        delta, index = choice.get("delta"), streams.index_of(choice.get("index"))
        if type(delta) is not dict or index in self._finished:
            return None
        if len(delta) > 1 and any(inner and name not in _PLAIN_DELTA for name, inner in delta.items()):
            return None
        channel, value = (index, "content", 0), delta.get("content")
        if type(value) is not str or not value or channel not in self._open:
            return None
        self._origins[channel] = (tree, _CONTENT)
        fragment = Fragment(channel, _CONTENT, value)
        if not choice.get("logprobs"):  # which would have to go when the text changes
            self._short.keep(event, tree, fragment)
        return Piece(event=event, tree=tree, fragments=(fragment,))

    def _read_chunk(self, event: bytes, tree: dict[str, Any]) -> Piece:
        self._short.drop()
        chunk = _chunk_of(tree)
        if self._note(chunk):
            return Piece(event=b"")
        found = Inventory()
        fragments: list[Fragment] = []
        for path, choice in _objects(found, ("choices",), tree.get("choices")):
            self._read_choice(found, fragments, path, choice)
        found.members(tree, {"error": streams.collect_error}, _SETTINGS, Role.ASSISTANT)
        return Piece(
            event=event,
            tree=tree,
            fragments=tuple(fragments),
            repeats=tuple(found.texts),
            closes=self._closed_by(tree, chunk, fragments),
            unreadable=tuple(found.unreadable),
        )

    def write(self, piece: Piece, changes: Changes) -> bytes:
        if not changes:
            return piece.event
        if piece.literal is not None:
            return with_text(piece, changes)
        real = streams.effective(piece.tree, changes)
        if not real:
            return piece.event
        tree = replace_at(piece.tree, real)
        for path in real:
            choice = streams.value_at(tree, path[:2]) if path[0] == "choices" else None
            if type(choice) is dict and choice.get("logprobs"):
                choice["logprobs"] = None  # token by token, they say what the text no longer says
        return streams.rewritten(piece.event, tree)

    def carry(self, channel: Channel, text: str) -> bytes:
        origin, path = self._origins[channel]
        tree = streams.sole_text(origin, path, text, _LEFT_OUT | (origin.keys() - _ENVELOPE))  # those were judged there
        tree["choices"][0].setdefault("finish_reason", None)
        return sse.render("", encode(tree))

    def fail(self, code: Code, message: str, request_id: str, policy: str | None = None) -> bytes:
        error = {"message": message, "type": openai_type(code), "param": None, "code": code, **named(policy)}
        return sse.render("", encode({"error": {**error, "request_id": request_id}}))

    def _note(self, chunk: _Chunk) -> bool:
        """Take note of what the chunk says; tells whether it is only there because we asked for usage."""
        if chunk.usage is not None:
            chunk.usage.service_tier = chunk.service_tier
            self.usage = openai_usage(chunk.usage) or self.usage
        if chunk.error:
            self.failure = streams.kind_of(chunk.error)
        for choice in chunk.choices or ():
            self._seen.add(choice.index)
            if choice.finish_reason is not None:
                self._finished.add(choice.index)
                # Some servers end without [DONE]: then every choice must have been finished.
                self.is_complete = self._finished == self._seen
            elif choice.index not in self._finished:
                self.is_complete = False
        return self._strip_usage and chunk.usage is not None and chunk.choices == []

    def _read_choice(self, found: Inventory, fragments: list[Fragment], path: Path, choice: dict[str, Any]) -> None:
        index = streams.index_of(choice.get("index"))
        for key, value in choice.items():
            if key == "delta" and type(value) is dict:
                for name, inner in value.items():
                    if inner and name not in _QUIET_DELTAS:
                        _read_delta(found, fragments, (*path, "delta", name), inner, index)
            elif key == "text" and type(value) is str and value:
                fragments.append(Fragment((index, "text", 0), (*path, "text"), value))
            elif value and key not in NEUTRAL:
                found.strings((*path, key), value, Role.ASSISTANT)

    def _closed_by(self, tree: dict[str, Any], chunk: _Chunk, fragments: list[Fragment]) -> tuple[Channel, ...]:
        """The texts of the choices that end here; any other may yet go on, however they interleave."""
        for fragment in fragments:
            self._origins[fragment.channel] = (tree, fragment.path)
            self._open.add(fragment.channel)
        ended = {choice.index for choice in chunk.choices or () if choice.finish_reason is not None}
        if not ended:
            return ()
        closed = [channel for channel in self._origins if channel in self._open and _choice_of(channel) in ended]
        self._open.difference_update(closed)
        return tuple(closed)


def _choice_of(channel: Channel) -> Any:
    return channel[0] if isinstance(channel, tuple) else None


def _objects(found: Inventory, path: Path, value: Any) -> list[tuple[Path, dict[str, Any]]]:
    """The objects of a list, each with its place. Whatever else stands there is judged string by string."""
    if type(value) is not list:
        found.strings(path, value, Role.ASSISTANT)
        return []
    for at, item in enumerate(value):
        if type(item) is not dict:
            found.strings((*path, at), item, Role.ASSISTANT)
    return [((*path, at), item) for at, item in enumerate(value) if type(item) is dict]


def _read_others(found: Inventory, path: Path, value: dict[str, Any], known: frozenset[str]) -> None:
    """The members that are not known: judged string by string."""
    for key, inner in value.items():
        if inner and key not in known and key not in NEUTRAL:
            found.strings((*path, key), inner, Role.ASSISTANT)


def _read_delta(found: Inventory, fragments: list[Fragment], path: Path, value: Any, choice: int) -> None:
    """One member of a delta that is not empty."""
    name = path[-1]
    if type(value) is str:
        fragments.append(Fragment((choice, name, 0), path, value))
    elif name == "tool_calls":
        for place, call in _objects(found, path, value):
            _read_tool_call(found, fragments, place, call, choice)
    elif name == "function_call" and type(value) is dict:
        _read_arguments(found, fragments, path, value, (choice, name, 0))
    elif name == "audio" and type(value) is dict:
        if value.get("data"):
            found.unread(path, "audio")
        transcript = value.get("transcript")
        if type(transcript) is str and transcript:
            fragments.append(Fragment((choice, "transcript", 0), (*path, "transcript"), transcript))
        else:
            found.text((*path, "transcript"), transcript, Role.ASSISTANT)
        _read_others(found, path, value, _AUDIO_KEYS)
    elif name == "images":
        found.unread(path, "image")
    elif name in {"content", "reasoning_details"} and type(value) is list:
        _read_parts(found, fragments, path, value, choice)
    else:
        found.strings(path, value, Role.ASSISTANT)


def _read_tool_call(found: Inventory, fragments: list[Fragment], path: Path, call: dict[str, Any], choice: int) -> None:
    index = streams.index_of(call.get("index"), int(path[-1]))
    function, custom = call.get("function"), call.get("custom")
    if type(function) is dict:
        _read_arguments(found, fragments, (*path, "function"), function, (choice, "tool", index))
    else:
        found.strings((*path, "function"), function, Role.ASSISTANT)
    if type(custom) is dict and type(custom.get("input")) is str and custom["input"]:
        fragments.append(Fragment((choice, "custom", index), (*path, "custom", "input"), custom["input"]))
    else:
        found.strings((*path, "custom"), custom, Role.ASSISTANT)
    _read_others(found, path, call, _CALL_KEYS)


def _read_arguments(
    found: Inventory, fragments: list[Fragment], path: Path, function: dict[str, Any], channel: Channel
) -> None:
    arguments = function.get("arguments")
    if type(arguments) is str:
        if arguments:
            fragments.append(Fragment(channel, (*path, "arguments"), arguments, Form.JSON))
    elif arguments is not None:
        found.arguments((*path, "arguments"), arguments, Role.ASSISTANT)


def _read_parts(found: Inventory, fragments: list[Fragment], path: Path, parts: list[Any], choice: int) -> None:
    """Content as a list of parts, some of them lists of parts again; and reasoning in parts."""
    for at, part in enumerate(parts):
        place = (*path, at)
        if type(part) is not dict:
            found.text(place, part, Role.ASSISTANT)
            continue
        kind = part.get("type")
        field = _DETAIL_FIELDS.get(kind) if type(kind) is str else None
        if field is None:
            found.unread(place, kind)
            continue
        if type(part.get(field)) is list:
            _read_parts(found, fragments, (*place, field), part[field], choice)
        elif type(part.get(field)) is str and part[field]:
            fragments.append(
                Fragment((choice, path[3:], kind, streams.index_of(part.get("index"))), (*place, field), part[field])
            )
        else:
            found.text((*place, field), part.get(field), Role.ASSISTANT)
        _read_others(found, place, part, _PART_KEYS | {field})


_DETAIL_FIELDS = {**TEXT_FIELDS, "reasoning.text": "text", "reasoning.summary": "summary", "reasoning.encrypted": "id"}


def _chunk_of(tree: dict[str, Any]) -> _Chunk:
    """The same from a decoded event, whatever the types of its members."""
    choices = tree.get("choices")
    read = None
    if type(choices) is list:
        read = [
            _Choice(index=streams.index_of(choice.get("index")), finish_reason=choice.get("finish_reason"))
            for choice in choices
            if type(choice) is dict
        ]
    usage, tier = tree.get("usage"), tree.get("service_tier")
    return _Chunk(
        choices=read,
        usage=read_counts(usage) if usage else None,
        service_tier=tier if type(tier) is str else None,
        error=tree.get("error"),
    )
