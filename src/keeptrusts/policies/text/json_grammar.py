"""Where a reader of a JSON document stands: what may come next, one structural character at a time."""

from enum import Enum, auto

MAX_DEPTH = 256


class Expect(Enum):
    """What may come next."""

    VALUE = auto()
    VALUE_OR_END = auto()
    KEY = auto()
    KEY_OR_END = auto()
    COLON = auto()
    COMMA_OR_END = auto()
    NOTHING = auto()


VALUES = frozenset({Expect.VALUE, Expect.VALUE_OR_END})
KEYS = frozenset({Expect.KEY, Expect.KEY_OR_END})
OPENS = {0x7B: Expect.KEY_OR_END, 0x5B: Expect.VALUE_OR_END}
CLOSES = {0x7D: (0x7B, Expect.KEY_OR_END), 0x5D: (0x5B, Expect.VALUE_OR_END)}
COMMA, COLON = 0x2C, 0x3A


class Grammar:
    """The state of one document. Knows structure only: strings and bare words are read by its owner."""

    __slots__ = ("expect", "open")

    def __init__(self) -> None:
        self.expect = Expect.VALUE
        self.open = bytearray()

    def take(self, char: int) -> bool:
        """Step over a structural character. False: it may not stand here."""
        if char in OPENS:
            return self._open(char)
        if char in CLOSES:
            return self._close(*CLOSES[char])
        if char == COMMA and self.expect is Expect.COMMA_OR_END:
            self.expect = Expect.KEY if self.open[-1] == 0x7B else Expect.VALUE
            return True
        if char == COLON and self.expect is Expect.COLON:
            self.expect = Expect.VALUE
            return True
        return False

    def take_key(self) -> None:
        self.expect = Expect.COLON

    def take_value(self) -> None:
        self.expect = Expect.COMMA_OR_END if self.open else Expect.NOTHING

    def _open(self, char: int) -> bool:
        if self.expect not in VALUES or len(self.open) >= MAX_DEPTH:
            return False
        self.open.append(char)
        self.expect = OPENS[char]
        return True

    def _close(self, opening: int, empty: Expect) -> bool:
        if not self.open or self.open[-1] != opening or self.expect not in {empty, Expect.COMMA_OR_END}:
            return False
        self.open.pop()
        self.take_value()
        return True
