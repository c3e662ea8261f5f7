"""A streamed reply on its way through the output policies, one server-sent event at a time.

One text channel per policy and channel of the reply holds back what could still become part of a match. Text that
was held back leaves with the event that closes its channel, or, where that event has no room for it, in a further
event before it. Events that repeat text are judged whole: however a text was cut, the result is the same.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from keeptrusts.config.problems import format_path
from keeptrusts.contract.call import Channel, Form, Fragment, Path, Piece, Role, Text
from keeptrusts.contract.faults import Fault
from keeptrusts.gateway.incoming import is_broken, unreadable_event
from keeptrusts.gateway.judging import Judge, Tally, block_fault, reads, verdict_of
from keeptrusts.policies.verdict import ALLOW, Allow, Block, Findings, Flag, Rewrite, TextChannel, TextPolicy, Verdict
from keeptrusts.providers.dialect import StreamReader


class Settled:
    """What stands in for a text channel where the verdict is known: it refuses everything that comes, or passes it on.

    So it is where a policy failed (what it held back is lost), and where it does not read this text at all.
    """

    def __init__(self, verdict: Verdict) -> None:
        self.findings: Findings = {}
        self.blocked = verdict if isinstance(verdict, Block) else None

    def feed(self, piece: str) -> str:
        return "" if self.blocked else piece

    def finish(self) -> str:
        return ""


class OpenText:
    """One channel of the reply, with one text channel for each policy in the order of the chain.

    What a model streams is its own words, whatever a policy's other roles.
    """

    def __init__(self, judge: Judge, tallies: list[Tally], form: Form) -> None:
        self._judge = judge
        self._tallies = tallies
        self._channels = [self._begin(tally, form) for tally in tallies]

    def feed(self, text: str) -> str:
        for position, channel in enumerate(self._channels):
            try:
                text = channel.feed(text) if text else ""
            except Exception as error:  # noqa: BLE001 - whatever goes wrong inside a policy must not open the door
                text = self._fail(position, error).feed(text)
        return text

    def finish(self) -> str:
        """The rest of the text: what one policy held back still goes through those after it."""
        text = ""
        for position, channel in enumerate(self._channels):
            released = ""
            try:
                if text:
                    released = channel.feed(text)
                    text = ""
                text = released + channel.finish()
            except Exception as error:  # noqa: BLE001 - as above
                text = released + self._fail(position, error).feed(text)
        return text

    def _begin(self, tally: Tally, form: Form) -> TextChannel | Settled:
        if not reads(tally.policy, Role.ASSISTANT):
            return Settled(ALLOW)
        try:
            return tally.policy.open_channel(form)
        except Exception as error:  # noqa: BLE001 - as above
            return self._settle(tally, error)

    def _fail(self, position: int, error: Exception) -> Settled:
        """What stands in for a channel from here on; what it found is tallied now."""
        tally = self._tallies[position]
        tally.add(verdict_of(tally.policy, self._channels[position], ""))
        settled = self._channels[position] = self._settle(tally, error)
        return settled

    def _settle(self, tally: Tally, error: Exception) -> Settled:
        verdict = self._judge.after_error(tally.policy, error)
        if isinstance(verdict, Flag):
            tally.add(verdict)
        return Settled(verdict)

    def find_block(self) -> tuple[TextPolicy, Block] | None:
        """Which policy blocked, and why."""
        for position, channel in enumerate(self._channels):
            if channel.blocked:
                return self._tallies[position].policy, channel.blocked
        return None

    def tally(self) -> None:
        """Count what each policy made of the text, once it is finished."""
        for tally, channel in zip(self._tallies, self._channels, strict=True):
            tally.add(verdict_of(tally.policy, channel, ""))


class Relay(Protocol):
    """Passes the events of one streamed reply. `fault` says why nothing more may pass."""

    fault: Fault | None

    def pass_events(self, events: list[bytes]) -> bytes:
        """What may go to the client for these events."""

    def flush(self) -> bytes:
        """What was held back, once no further event can come. Always called at the end: it also adds up the tallies."""


def open_relay(reader: StreamReader, judge: Judge, tallies: list[Tally]) -> Relay:
    """The relay for one reply. The tallies of its policies are added to `tallies`."""
    if not judge.policies:
        return Unjudged(reader)
    own = judge.tallies()
    tallies += own
    return StreamJudge(reader, judge, own)


class Unjudged:
    """Nobody reads the texts: only usage and the end are noted."""

    fault: Fault | None = None

    def __init__(self, reader: StreamReader) -> None:
        self._watch = reader.watch

    def pass_events(self, events: list[bytes]) -> bytes:
        if len(events) == 1:
            return self._watch(events[0])
        return b"".join([self._watch(event) for event in events])

    def flush(self) -> bytes:
        return b""


class StreamJudge:
    """Judges one streamed reply. Owned by the task that relays it."""

    def __init__(self, reader: StreamReader, judge: Judge, tallies: list[Tally]) -> None:
        self._reader = reader
        self._judge = judge
        self._tallies = tallies
        self._open: dict[Channel, OpenText] = {}
        self.fault: Fault | None = None

    def pass_events(self, events: list[bytes]) -> bytes:
        """What may go to the client. Sets `fault` once a policy blocks: then nothing more may follow."""
        if len(events) == 1:
            return self._pass(events[0])
        passed = []
        for event in events:
            passed.append(self._pass(event))
            if self.fault is not None:
                break
        return b"".join(passed)

    def flush(self) -> bytes:
        return b"".join([self._close(channel, None, {}) for channel in tuple(self._open)])

    def _pass(self, event: bytes) -> bytes:
        piece = self._reader.read(event)
        changes: dict[Path, str] = {}
        if piece.literal is not None:  # the usual event: one more bit of one text, and nothing else
            self._feed(piece.fragments[0], changes)
            return self._reader.write(piece, changes)
        if not (piece.fragments or piece.repeats or piece.closes or piece.closes_all or piece.unreadable):
            return self._reader.write(piece, {})
        if self._refuses_unreadable(piece):
            return b""
        fed: dict[Channel, Fragment] = {}
        for fragment in piece.fragments:
            self._feed(fragment, changes)
            fed[fragment.channel] = fragment
        before = b""
        for channel in tuple(self._open) if piece.closes_all else piece.closes:
            before += self._close(channel, fed.get(channel), changes)
        if piece.repeats:
            self._judge_repeats(piece.repeats, changes)
        return before if self.fault and not piece.fragments else before + self._reader.write(piece, changes)

    def _feed(self, fragment: Fragment, changes: dict[Path, str]) -> None:
        text = self._open.get(fragment.channel)
        if text is None:
            text = self._open[fragment.channel] = OpenText(self._judge, self._tallies, fragment.form)
        released = "" if self.fault else text.feed(fragment.value)
        if released != fragment.value:
            changes[fragment.path] = released
        found = text.find_block()
        if found is not None:
            self._refuse(*found, fragment.path)

    def _close(self, channel: Channel, last: Fragment | None, changes: dict[Path, str]) -> bytes:
        text = self._open.pop(channel, None)
        if text is None:
            return b""
        rest = text.finish()
        found = text.find_block()
        if found is not None:
            self._refuse(*found, last.path if last else ())
        text.tally()
        if not rest:
            return b""
        if last is None:
            return self._reader.carry(channel, rest)
        changes[last.path] = changes.get(last.path, last.value) + rest
        return b""

    def _judge_repeats(self, texts: Sequence[Text], changes: dict[Path, str]) -> None:
        """Judge the whole texts of one event; where the answer may not go on, none of them passes."""
        for tally in self._tallies:
            if self.fault is None:
                self._judge_again(tally, texts, changes)
        if self.fault is not None:
            changes.update((text.path, "") for text in texts)

    def _judge_again(self, tally: Tally, texts: Sequence[Text], changes: dict[Path, str]) -> None:
        """One policy on whole texts. Its finds are mostly those of the fragments: only what is more is counted."""
        found: Counter[str] = Counter()
        worst: Rewrite | Flag | None = None
        for text in texts:
            verdict = self._judge.verdict(tally.policy, text, changes.get(text.path, text.value))
            if isinstance(verdict, Block):
                tally.add(verdict)
                self._refuse(tally.policy, verdict, text.path)
                return
            if isinstance(verdict, Allow):
                continue
            found.update(verdict.findings)
            worst = worst if isinstance(worst, Rewrite) else verdict
            if isinstance(verdict, Rewrite):
                changes[text.path] = verdict.text
        new = found - Counter(tally.findings)
        if new and worst is not None:
            tally.add(replace(worst, findings=new))

    def _refuse(self, policy: TextPolicy, block: Block, path: Path) -> None:
        if self.fault is None:
            self.fault = block_fault(self._judge.phase, policy, block, format_path(path))

    def _refuses_unreadable(self, piece: Piece) -> bool:
        try:
            self._judge.check_unreadable(piece.unreadable)
        except Fault as fault:
            self.fault = self.fault or (unreadable_event() if is_broken(piece) else fault)
            return True
        return False
