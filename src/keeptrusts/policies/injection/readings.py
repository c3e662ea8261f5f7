"""A text as several readers see it, while it arrives in pieces: as it stands, without its disguises, decoded.

Each reader keeps as much of the end as the longest attack is long, so that one that two pieces share is found.
"""

from collections.abc import Sequence

from keeptrusts.policies.injection.attacks import MAX_TRIES, Attacks
from keeptrusts.policies.injection.disguises import Plain, encode
from keeptrusts.policies.injection.encoding import Base64Reader

CONTEXT = 4
"""Bytes before the place where a search begins: a word boundary looks back one character."""


class Window:
    """One reading of a text."""

    __slots__ = ("data", "start", "tries")

    def __init__(self, data: bytes = b"", start: int = 0) -> None:
        self.data = data
        self.start = start
        self.tries = MAX_TRIES

    def look(self, piece: bytes, attacks: Attacks, *, final: bool, first: bool) -> Sequence[str]:
        """The kinds of attacks in what is known by now, but for those that were looked for before."""
        data = self.data + piece
        found, self.tries = attacks.find(data, self.start, final=final, tries=self.tries, first=first)
        keep = max(0, len(data) - attacks.reach - CONTEXT)
        while 0 < keep < len(data) and 0x80 <= data[keep] < 0xC0:
            keep -= 1
        self.data = data[keep:]
        self.start = CONTEXT if keep else self.start
        while 0 < self.start < len(self.data) and 0x80 <= self.data[self.start] < 0xC0:
            self.start += 1
        return found

    def copy(self) -> "Window":
        return Window(self.data, self.start)


class Reading:
    """A text, or what is decoded from one, in all the ways of reading it.

    As long as all characters are ASCII, all readers see the same, and there is only one window. `first`: one attack is
    enough, and nothing is looked for behind it.
    """

    __slots__ = ("attacks", "disguised", "first", "tables", "window")

    def __init__(self, attacks: Attacks, tables: Sequence[Plain], *, first: bool = False) -> None:
        self.attacks = attacks
        self.first = first
        self.tables = tables
        self.window = Window()
        self.disguised: list[Window] | None = None

    def look(self, piece: str, *, final: bool) -> list[str]:
        """The kinds of attacks that are found now."""
        if self.disguised is None and self.tables and not piece.isascii():
            self.disguised = [self.window.copy() for _ in self.tables]
        found = [*self.window.look(encode(piece), self.attacks, final=final, first=self.first)]
        for window, table in zip(self.disguised or (), self.tables, strict=False):
            if found and self.first:
                break
            found += window.look(table.read(piece), self.attacks, final=final, first=self.first)
        return found


class DecodedReading(Reading):
    """A text and the base64 in it: what that says, and what it hides among unreadable bytes."""

    __slots__ = ("decoded", "hidden", "reader")

    def __init__(self, attacks: Attacks, tables: Sequence[Plain], *, first: bool = False) -> None:
        super().__init__(attacks, tables, first=first)
        self.reader = Base64Reader(attacks.reach + CONTEXT)
        self.decoded = Reading(attacks, tables, first=first)
        self.hidden = Reading(attacks, tables, first=first)

    def look(self, piece: str, *, final: bool) -> list[str]:
        found = super().look(piece, final=final)
        if found and self.first:
            return found
        text, hidden = self.reader.read(encode(piece), final=final)
        for reading, said in ((self.decoded, text), (self.hidden, hidden)):
            if said or final:
                found += reading.look(said.decode("utf-8", "ignore"), final=final)
        return found
