"""Streams of speech, transcriptions and images: named by the `type` of their events."""

from typing import Any

from keeptrusts.contract.call import Changes, Channel, Fragment, Path, Piece, Role, Unreadable
from keeptrusts.contract.faults import Code
from keeptrusts.contract.usage import Usage
from keeptrusts.providers import sse, streams
from keeptrusts.providers.errors import named, openai_type
from keeptrusts.providers.inventory import Inventory
from keeptrusts.providers.json_body import encode, replace_at
from keeptrusts.providers.usage import openai_usage, read_counts

_DELTA = "transcript.text.delta"
_PICTURES = ("image_generation.", "image_edit.")
_SETTINGS = frozenset({"usage", "segment_id", "speaker", "b64_json", "size", "quality", "background", "output_format"})
_LEFT_OUT = frozenset({"obfuscation"})


class MediaStream:
    """Reads one streamed reply. See `StreamReader`."""

    def __init__(self, _strip_usage: bool) -> None:
        self.usage: Usage | None = None
        self.is_complete = False
        self.failure: str | None = None
        self._origins: dict[Channel, dict[str, Any]] = {}

    @property
    def is_over(self) -> bool:
        return self.is_complete

    def watch(self, event: bytes) -> bytes:
        if b".delta" not in event[:64]:
            tree = streams.find_tree(sse.parse(event)[1])
            if tree is not None:
                self._note(tree)
        return event

    def read(self, event: bytes) -> Piece:
        _, data = sse.parse(event)
        if not data or data.startswith(b"[DONE]"):
            self.is_complete = self.is_complete or bool(data)
            return Piece(event=event, closes_all=bool(data))
        tree = streams.find_tree(data)
        if tree is None:
            return Piece(event=event, unreadable=(Unreadable((), streams.UNREADABLE_EVENT),))
        self._note(tree)
        kind = streams.type_of(tree)
        if kind == _DELTA and type(tree.get("delta")) is str:
            # Diarized transcripts name a segment; its text is a channel of its own.
            channel = (_DELTA, str(tree.get("segment_id")))
            self._origins[channel] = tree
            fragments = (Fragment(channel, ("delta",), tree["delta"]),) if tree["delta"] else ()
            return Piece(event=event, tree=tree, fragments=fragments)
        return self._read_whole(kind, event, tree)

    def write(self, piece: Piece, changes: Changes) -> bytes:
        real = streams.effective(piece.tree, changes)
        if not real:
            return piece.event
        return streams.rewritten(piece.event, streams.without_logprobs(replace_at(piece.tree, real)))

    def carry(self, channel: Channel, text: str) -> bytes:
        path: Path = ("delta",)
        return sse.render("", encode(streams.sole_text(self._origins[channel], path, text, _LEFT_OUT)))

    def fail(self, code: Code, message: str, request_id: str, policy: str | None = None) -> bytes:
        error = {"message": message, "type": openai_type(code), "param": None, "code": code, **named(policy)}
        return sse.render("", encode({"error": {**error, "request_id": request_id}}))

    def _note(self, tree: dict[str, Any]) -> None:
        kind = streams.type_of(tree)
        counts = read_counts(tree.get("usage"))
        self.usage = (openai_usage(counts) if counts else None) or self.usage
        if tree.get("error") or kind == "error":
            self.failure = streams.kind_of(tree.get("error") or tree)
        if kind.endswith((".done", ".completed")):
            self.is_complete = True

    @staticmethod
    def _read_whole(kind: str, event: bytes, tree: dict[str, Any]) -> Piece:
        found = Inventory()
        if kind.startswith(_PICTURES):
            found.unread((), "image")
        if kind.startswith("speech.") and tree.get("audio"):
            found.unread((), "audio")
            tree = {key: value for key, value in tree.items() if key != "audio"}
        found.members(tree, {"error": streams.collect_error}, _SETTINGS, Role.ASSISTANT)
        return Piece(
            event=event,
            tree=tree,
            repeats=tuple(found.texts),
            closes_all=kind.endswith(".done"),
            unreadable=tuple(found.unreadable),
        )
