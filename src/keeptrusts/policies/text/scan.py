"""Finds shapes in texts that may arrive in pieces, and never says less or more because of where the pieces were cut.

What is found in a whole text: go through it from the left. At the first place where any shape matches, take the
longest of the matches there that pass their checks (of equal ones the earlier shape) and go on behind it; a value
that settings allow is passed over whole; where no match passes, go on one character further. So each step depends
on the text from the place on, up to the end of its longest match and AHEAD bytes, and on BEHIND bytes before the
place.

While more text may come, a place is decided once the rest of the text from there on is no *beginning* of any match:
then every match that starts there ends inside the text, with at least one character behind it to judge a closing
word boundary. `extent.prefixes` makes the pattern of all beginnings (a superset does no harm, so word boundaries
are left out of it). RE2 runs it from the end of the text backwards, and where it gives up is the first place that
is not decided: nothing before it is held back, nothing behind it released. What is held is never longer than the
longest match and AHEAD bytes.

A find may have a body: what follows in the alphabet of a private key's lines, up to its end line, goes with it. It is
dropped as it comes; only as much is held back as the end line is long.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from keeptrusts.policies.text.checks import AHEAD, BEHIND
from keeptrusts.policies.text.detector import HERE, PEEK, Detector, Family, Matcher
from keeptrusts.policies.verdict import Block

MAX_FINDINGS = 10_000
"""More in one text is a block: nobody needs it, and each costs time."""

MAX_EFFORT = 20_000
"""Units of work for the checks of one text, some 50 ms. Beyond it, what looks like a thing counts as one."""

BODY = re.compile(rb"[A-Za-z0-9+/=\s\\:,.()<>@_\-]*")
BODY_END = re.compile(rb"-----END[ A-Z0-9]{1,48}-----")
BODY_END_BYTES = 64
MAX_BODY = 32 * 1024
"""Bytes; more than any private key has."""

TRIM = 512
"""Bytes of released text that may pile up."""

Marker: TypeAlias = Callable[[str, str], str]
"""What stands in for a value, given its kind and text."""


class Find(NamedTuple):
    """A value in a text, and where it stands; the search goes on at `end`. No kind: nothing was found up to there."""

    kind: str
    start: int
    end: int
    has_body: bool = False


class Edit(NamedTuple):
    """Keep so many bytes, then put the marker in the place of as many as `drop` says."""

    keep: int
    drop: int
    marker: str


class Account:
    """What was found in one text, and how much work it took."""

    __slots__ = ("blocked", "count", "effort", "findings")

    def __init__(self) -> None:
        self.findings: dict[str, int] = {}
        self.blocked: Block | None = None
        self.count = 0
        self.effort = MAX_EFFORT


class Rules:
    """What to do about finds. Immutable and shared."""

    __slots__ = ("blocking", "is_allowed", "marker", "reason_code")

    def __init__(
        self, *, marker: Marker, blocking: Iterable[str], is_allowed: Callable[[str], bool] | None, reason_code: str
    ) -> None:
        self.marker = marker
        self.blocking = frozenset(blocking)
        self.is_allowed = is_allowed
        self.reason_code = reason_code

    def apply(self, account: Account, kind: str, value: str) -> str:
        """Count a find and give its marker. Sets `account.blocked` where the text must not pass."""
        account.count += 1
        account.findings[kind] = account.findings.get(kind, 0) + 1
        if kind in self.blocking:
            message = f"The text contains {kind}, which this configuration does not let pass."
            account.blocked = Block(self.reason_code, message, account.findings)
        elif account.count > MAX_FINDINGS:
            message = f"The text contains more than {MAX_FINDINGS:,} findings."
            account.blocked = Block(self.reason_code, message, account.findings)
        return self.marker(kind, value)


class Scan:
    """One text on its way through a detector. Whoever owns it adds to `raw` and reads what lies before `cursor`."""

    __slots__ = ("account", "body", "cursor", "detector", "raw", "rules")

    def __init__(self, detector: Detector, rules: Rules, account: Account) -> None:
        self.detector = detector
        self.rules = rules
        self.account = account
        self.raw = b""
        self.cursor = 0
        self.body = 0  # bytes that may still belong to the last find

    def advance(self, *, final: bool, starts: list[tuple[int, Family]] | None = None) -> Sequence[Edit]:
        """Decide as much as can be decided: moves the cursor, and says what to change on the way there.

        After a block the cursor stands before the offending value. `starts` are those of the detector from the cursor
        on, where the caller knows them already.
        """
        edits: list[Edit] = []
        while True:
            if self.body:
                edits += self.drop_body(final=final)
                starts = None
            if self.body:
                return edits
            found = self.search(final=final, starts=starts)
            if not edits and not self.body:
                return found
            edits += found
            if not self.body:
                return edits

    def search(self, *, final: bool, starts: list[tuple[int, Family]] | None) -> Sequence[Edit]:
        """The same up to the next find that has a body."""
        raw = self.raw
        hold = len(raw) if final else self.detector.hold(raw, self.cursor)
        if starts is None:
            starts = self.detector.starts(raw, self.cursor)
        if starts:
            return self.decide(starts, hold, final=final)
        self.cursor = hold
        return ()

    def drop_body(self, *, final: bool) -> list[Edit]:
        """Drop what belongs to the last find; its own end line, where there is one, is the last of it."""
        raw, start = self.raw, self.cursor
        limit = min(len(raw), start + self.body)
        run = BODY.match(raw, start, limit)
        last = limit if run is None else run.end()
        end_line = BODY_END.search(raw, start, last)
        if end_line is not None:
            last, self.body = end_line.end(), 0
        elif final or last < len(raw):
            self.body = 0
        else:
            last = max(start, last - BODY_END_BYTES)
            self.body -= last - start
        self.cursor = last
        return [Edit(0, last - start, "")] if last > start else []

    def trim(self) -> None:
        """Forget released text but for what checks may look back at: beyond TRIM, as cutting copies what is held."""
        self.raw = self.raw[self.cursor - BEHIND :]
        self.cursor = BEHIND

    def decide(self, starts: list[tuple[int, Family]], hold: int, *, final: bool) -> list[Edit]:
        raw = self.raw
        edits: list[Edit] = []
        kept = self.cursor
        while starts and (place := min(start for start, _ in starts)) < hold:
            peek = raw[place : place + PEEK]
            matchers = [matcher for start, family in starts if start == place for matcher in family.fitting(peek)]
            found = self.look(matchers, place, final=final)
            if found is None:
                hold = place
                break
            if found.kind:
                value = raw[found.start : found.end].decode("utf-8", "surrogatepass")
                marker = self.rules.apply(self.account, found.kind, value)
                if self.account.blocked is not None:
                    hold = found.start
                    break
                edits.append(Edit(found.start - kept, found.end - found.start, marker))
                kept = found.end
                if found.has_body:
                    self.body, hold = MAX_BODY, kept
                    break
            if found.end > hold:
                hold = len(raw) if final else self.detector.hold(raw, found.end)
            starts = list(still_ahead(starts, raw, found.end))
        self.cursor = hold
        return edits

    def look(self, matchers: Sequence[Matcher], place: int, *, final: bool) -> Find | None:
        """What stands at this place; without a kind, it is only told where to go on. None while too little is known."""
        matches = self.matches(matchers, place)
        if not final and any(end + AHEAD > len(self.raw) for _, _, end in matches):
            return None
        best = Find("", place, place + 1)
        for matcher, start, match_end in matches:
            if best.kind and match_end <= best.end:
                continue
            end = self.value_end(matcher, start, match_end)
            if end > (best.end if best.kind else 0):
                best = Find(matcher.shape.kind, start, end, matcher.shape.has_body)
            elif end < 0 and not best.kind:
                best = Find("", place, max(best.end, -end))
        return self.unless_allowed(best)

    def matches(self, matchers: Sequence[Matcher], place: int) -> list[tuple[Matcher, int, int]]:
        """The matches at this place: where their values begin, and where they end."""
        raw, size = self.raw, len(self.raw)
        found = []
        for matcher in matchers:
            spans = matcher.match(HERE, raw, place, size)
            if spans[0][1] >= 0:
                found.append((matcher, spans[-1][0], spans[0][1]))
        return found

    def value_end(self, matcher: Matcher, start: int, end: int) -> int:
        account, shape = self.account, matcher.shape
        if shape.check is None or account.effort <= 0:
            return end
        account.effort -= shape.effort
        return shape.check(self.raw, start, end)

    def unless_allowed(self, find: Find) -> Find:
        is_allowed = self.rules.is_allowed
        if is_allowed is None or not find.kind or self.account.effort <= 0:
            return find
        self.account.effort -= 1
        value = self.raw[find.start : find.end].decode("utf-8", "surrogatepass")
        return Find("", find.start, find.end) if is_allowed(value) else find


def still_ahead(starts: list[tuple[int, Family]], text: bytes, cursor: int) -> Iterator[tuple[int, Family]]:
    """The starts at or after the cursor; a family whose start lies behind it is searched again."""
    for start, family in starts:
        place = start if start >= cursor else family.find(text, cursor)
        if place >= 0:
            yield place, family
