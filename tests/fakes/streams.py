"""A made-up streaming dialect in which an event says plainly what it does, and a reader for it."""

import json

from keeptrusts.contract.call import Form, Fragment, Piece, Text, Unreadable


def event(*fragments, repeats=(), closes=(), closes_all=False, unreadable=(), end=False, form="prose") -> bytes:
    """One event. `fragments` are pairs of channel and text."""
    tree = {"fragments": [list(pair) for pair in fragments], "repeats": list(repeats), "closes": list(closes),
            "closes_all": closes_all, "unreadable": list(unreadable), "end": end, "form": form}  # fmt: skip
    return b"data: " + json.dumps(tree).encode() + b"\n\n"


class ScriptedReader:
    """Satisfies providers.dialect.StreamReader. `read_events` and `written` are what was asked of it, in order."""

    def __init__(self) -> None:
        self.usage = None
        self.is_complete = False
        self.failure = None
        self.asked: list[str] = []

    @property
    def is_over(self) -> bool:
        return self.is_complete

    def watch(self, event: bytes) -> bytes:
        self.asked.append("watch")
        self.is_complete = b'"end": true' in event
        return event

    def read(self, event: bytes) -> Piece:
        self.asked.append("read")
        tree = json.loads(event[6:])
        self.is_complete = tree["end"]
        return Piece(
            event=event,
            tree=tree,
            fragments=tuple(
                Fragment(channel, ("fragments", at, 1), text, Form(tree["form"]))
                for at, (channel, text) in enumerate(tree["fragments"])
                if text
            ),
            repeats=tuple(Text(("repeats", at), text) for at, text in enumerate(tree["repeats"])),
            closes=tuple(tree["closes"]),
            closes_all=tree["closes_all"],
            unreadable=tuple(Unreadable((), kind) for kind in tree["unreadable"]),
        )

    def write(self, piece: Piece, changes) -> bytes:
        self.asked.append("write")
        if not changes:
            return piece.event
        tree = json.loads(piece.event[6:])
        for path, value in changes.items():
            node = tree
            for step in path[:-1]:
                node = node[step]
            node[path[-1]] = value
        return b"data: " + json.dumps(tree).encode() + b"\n\n"

    def carry(self, channel, text: str) -> bytes:
        self.asked.append("carry")
        return event((channel, text))

    def fail(self, code, message: str, request_id: str) -> bytes:
        return b"data: " + json.dumps({"error": code, "message": message}).encode() + b"\n\n"


def received(out: bytes) -> dict[str, str]:
    """What a client read on each channel."""
    texts: dict[str, str] = {}
    for line in out.split(b"\n\n"):
        for channel, text in json.loads(line[6:]).get("fragments", ()) if line else ():
            texts[channel] = texts.get(channel, "") + text
    return texts


def repeated(out: bytes) -> list[str]:
    """The whole texts that a client read."""
    return [text for line in out.split(b"\n\n") if line for text in json.loads(line[6:]).get("repeats", ())]
