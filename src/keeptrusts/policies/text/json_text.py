"""Redacts the text of a JSON document (a tool call's arguments) that arrives in pieces, cut anywhere.

Each string value is judged as prose, by what it says, however it is escaped; keys, structure and white space stay.
A bare number that is a find becomes a string. From the place where the text stops being JSON, the rest is judged as
prose: a word that is no JSON value is part of that rest, as is a number that is followed by more than a comma or a
bracket.
"""

import re

from keeptrusts.policies.text.detector import Detector, Family
from keeptrusts.policies.text.json_grammar import KEYS, VALUES, Grammar
from keeptrusts.policies.text.json_strings import (
    QUOTE,
    SPECIAL,
    Origin,
    decode_string,
    escape_text,
    read_escape,
    read_escapes,
)
from keeptrusts.policies.text.prose import ProseChannel
from keeptrusts.policies.text.scan import TRIM, Account, Rules, Scan, still_ahead
from keeptrusts.policies.verdict import Block

MAX_BARE = 64
STRUCTURE = frozenset(b"{}[]:,")
BLANK = re.compile(rb"[ \t\r\n]*")
TOKEN = re.compile(
    rb"[ \t\r\n]*"
    rb"""([{}\[\]:,]|"[^"\\]*"|(?:-?(?:0|[1-9][0-9]{0,40})(?:\.[0-9]{1,8})?|true|false|null)(?=[ ]{0,8}[,\]}]))"""
)
ESCAPED = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*"', re.DOTALL)
BARE = re.compile(rb'[^,:\[\]{}"\n]+')
SCALAR = re.compile(rb"(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)[ \t\r]*")


class JsonChannel:
    """One document. `raw[at:]` is not read yet."""

    __slots__ = (
        "account",
        "ahead",
        "at",
        "blocked",
        "detector",
        "findings",
        "grammar",
        "in_key",
        "out",
        "prose",
        "raw",
        "rules",
        "sent",
        "value",
    )

    def __init__(self, detector: Detector, rules: Rules) -> None:
        self.detector = detector
        self.rules = rules
        self.account = Account()
        self.findings: dict[str, int] = self.account.findings
        self.blocked: Block | None = None
        self.grammar = Grammar()
        self.raw = b""
        self.at = 0
        self.sent = 0
        self.ahead: list[tuple[int, Family]] | None = None
        self.out: list[str] = []
        self.in_key = False
        self.value: StringValue | None = None
        self.prose: ProseChannel | None = None

    def feed(self, piece: str) -> str:
        return self.release(piece.encode("utf-8", "surrogatepass"), final=False)

    def finish(self) -> str:
        return self.release(b"", final=True)

    def release(self, data: bytes, *, final: bool) -> str:
        if self.blocked is not None:
            return ""
        self.raw += data
        self.ahead = None
        self.out = []
        while self.blocked is None and self.step(final=final):
            self.blocked = self.account.blocked
        self.blocked = self.account.blocked
        self.flush()
        self.raw = self.raw[self.at :]
        self.at = self.sent = 0
        return "".join(self.out)

    def step(self, *, final: bool) -> bool:
        """Read on by one token, or part of one. False: more bytes are needed."""
        if self.prose is not None:
            return self.read_prose(self.prose, final=final)
        if self.value is not None:
            return self.read_value(self.value, final=final)
        if self.in_key:
            return self.read_key(final=final)
        return self.read_structure(final=final)

    def flush(self) -> None:
        """Release, as they are, the bytes that were read and not replaced."""
        if self.sent < self.at:
            self.out.append(self.raw[self.sent : self.at].decode("utf-8", "surrogatepass"))
            self.sent = self.at

    def replace(self, end: int, text: str) -> None:
        """Release this text in the place of the bytes up to `end`."""
        self.flush()
        self.out.append(text)
        self.at = self.sent = end

    def pass_on(self, end: int) -> bool:
        """Read up to `end`, and leave that as it is."""
        self.at = end
        return True

    def read_structure(self, *, final: bool) -> bool:
        self.skip_tokens()
        raw, grammar = self.raw, self.grammar
        start = self.at = blank_end(raw, self.at)
        if start == len(raw):
            return False
        char = raw[start]
        if char == QUOTE and grammar.expect in KEYS:
            grammar.take_key()
            self.in_key = True
            return self.pass_on(start + 1)
        if char == QUOTE and grammar.expect in VALUES:
            return self.begin_value(start)
        if grammar.take(char):
            return self.pass_on(start + 1)
        if grammar.expect in VALUES and grammar.open and BARE.match(raw, start):
            return self.read_bare(final=final)
        return self.turn_to_prose()

    def skip_tokens(self) -> None:
        """Read on over whole tokens as long as they are in place and have nothing to find: most of most documents."""
        raw, grammar, at = self.raw, self.grammar, self.at
        while (token := TOKEN.match(raw, at)) is not None:
            start, end = token.span(1)
            first = raw[start]
            if first == QUOTE and grammar.expect in KEYS:
                grammar.take_key()
            elif first in STRUCTURE:
                if not grammar.take(first):
                    break
            elif grammar.expect in VALUES and (first == QUOTE or grammar.open) and self.is_clear(start, end):
                grammar.take_value()
            else:
                break
            at = end
        self.at = at

    def is_clear(self, start: int, end: int) -> bool:
        """Whether there is nothing to find in a token: no match in the document begins there, so none in it alone."""
        if self.detector.has_text_edge:
            return False
        if self.ahead is None:
            self.ahead = self.detector.starts(self.raw, start)
        elif self.ahead and min(place for place, _ in self.ahead) < start:
            self.ahead = list(still_ahead(self.ahead, self.raw, start))
        return all(place >= end for place, _ in self.ahead)

    def begin_value(self, start: int) -> bool:
        """Most strings with escapes come whole too, and have nothing to find."""
        self.grammar.take_value()
        whole = ESCAPED.match(self.raw, start)
        said = None if whole is None else decode_string(whole[0])
        if whole is not None and said is not None and not self.detector.starts(said, 0):
            return self.pass_on(whole.end())
        self.value = StringValue(Scan(self.detector, self.rules, self.account))
        return self.pass_on(start + 1)

    def read_value(self, value: "StringValue", *, final: bool) -> bool:
        end, is_closed = value.read(self.raw, self.at, final=final)
        self.replace(end, value.release(final=final or is_closed))
        if not is_closed or self.account.blocked is not None:
            return False
        self.value = None
        return self.pass_on(self.at + 1)

    def read_key(self, *, final: bool) -> bool:
        found = SPECIAL.search(self.raw, self.at)
        if found is None:
            self.pass_on(len(self.raw))
            return False
        if found[0] == b'"':
            self.in_key = False
            return self.pass_on(found.end())
        if found.end() == len(self.raw) and not final:
            self.pass_on(found.start())
            return False
        escapes = self.raw[found.end() : found.end() + 1] in {b'"', b"\\"}
        return self.pass_on(found.end() + escapes)

    def read_bare(self, *, final: bool) -> bool:
        """A number, or one of the three words."""
        found = BARE.match(self.raw, self.at)
        assert found is not None
        if found.end() == len(self.raw) and not final and len(found[0]) <= MAX_BARE:
            return False
        if len(found[0]) > MAX_BARE or SCALAR.fullmatch(found[0]) is None:
            return self.turn_to_prose()
        self.grammar.take_value()
        number = found[0].rstrip(b" \t\r")
        before = self.account.count
        text = ProseChannel(self.detector, self.rules, self.account).release(number, final=True)
        if self.account.blocked is not None:
            return False
        if self.account.count == before:
            return self.pass_on(found.end())
        self.replace(self.at + len(number), f'"{escape_text(text)}"')
        return True

    def turn_to_prose(self) -> bool:
        self.prose = ProseChannel(self.detector, self.rules, self.account)
        return True

    def read_prose(self, prose: ProseChannel, *, final: bool) -> bool:
        self.replace(len(self.raw), prose.release(self.raw[self.at :], final=final))
        return False


class StringValue:
    """A string value on its way through the detector."""

    __slots__ = ("origin", "scan")

    def __init__(self, scan: Scan) -> None:
        self.scan = scan
        self.origin = Origin()

    def read(self, raw: bytes, at: int, *, final: bool) -> tuple[int, bool]:
        """Take in what the bytes from `at` on say. Returns where reading stopped, and whether at the closing quote."""
        said = []
        is_closed = False
        while at < len(raw):
            found = SPECIAL.search(raw, at)
            end = len(raw) if found is None else found.start()
            if end > at:
                said.append(raw[at:end])
                self.origin.add(end - at, raw[at:end])
                at = end
            if found is None:
                break
            if raw[at] == QUOTE:
                is_closed = True
                break
            escape = read_escapes(raw, at) or read_escape(raw, at, final=final)
            if escape is None:
                break
            said.append(escape[0])
            self.origin.add(len(escape[0]), raw[at : at + escape[1]])
            at += escape[1]
        self.scan.raw += b"".join(said)
        return at, is_closed

    def release(self, *, final: bool) -> str:
        """What is decided: unchanged parts in their own bytes, markers escaped."""
        scan = self.scan
        start = scan.cursor
        parts = []
        for edit in scan.advance(final=final):
            parts += [self.origin.take(edit.keep).decode("utf-8", "surrogatepass"), escape_text(edit.marker)]
            self.origin.take(edit.drop)
            start += edit.keep + edit.drop
        parts.append(self.origin.take(scan.cursor - start).decode("utf-8", "surrogatepass"))
        if scan.cursor > TRIM:
            scan.trim()
        return "".join(parts)


def blank_end(raw: bytes, at: int) -> int:
    found = BLANK.match(raw, at)
    return at if found is None else found.end()
