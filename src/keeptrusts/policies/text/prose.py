"""Redacts a text that arrives in pieces, releasing what no later piece can change. The theory stands in `scan`."""

from keeptrusts.policies.text.detector import Detector, Family
from keeptrusts.policies.text.scan import TRIM, Account, Rules, Scan
from keeptrusts.policies.verdict import Block


class ProseChannel:
    """One text, judged as prose."""

    __slots__ = ("blocked", "findings", "scan")

    def __init__(self, detector: Detector, rules: Rules, account: Account | None = None) -> None:
        """`account` is given where this text is part of another."""
        self.scan = Scan(detector, rules, account or Account())
        self.findings: dict[str, int] = self.scan.account.findings
        self.blocked: Block | None = None

    def feed(self, piece: str) -> str:
        return self.release(piece.encode("utf-8", "surrogatepass"), final=False)

    def finish(self) -> str:
        return self.release(b"", final=True)

    def release(self, data: bytes, *, final: bool, starts: list[tuple[int, Family]] | None = None) -> str:
        """Take in more, and give what may go out. `starts` as in `Scan.advance`, for a text that comes in one go."""
        if self.blocked is not None:
            return ""
        scan = self.scan
        start = scan.cursor
        scan.raw += data
        released = ""
        for edit in scan.advance(final=final, starts=starts):
            released += scan.raw[start : start + edit.keep].decode("utf-8", "surrogatepass") + edit.marker
            start += edit.keep + edit.drop
        released += scan.raw[start : scan.cursor].decode("utf-8", "surrogatepass")
        self.blocked = scan.account.blocked
        if scan.cursor > TRIM:
            scan.trim()
        return released
