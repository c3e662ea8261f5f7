"""The driver of text policies: runs the chain over the texts of a call or an answer, and says what to change.

Long texts go through in slices and yield to the loop, so that one huge prompt cannot hold up other callers.
Unexpected errors inside a policy fail closed, unless the operator chose `--fail-mode allow`.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

import msgspec

from keeptrusts.config.problems import format_path
from keeptrusts.config.targets import Providers
from keeptrusts.contract.call import Call, Path, Role, Text, Unreadable
from keeptrusts.contract.events import PolicyOutcome, PolicyVerdict
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.settings import FailMode
from keeptrusts.policies.verdict import (
    ALLOW,
    Allow,
    Block,
    CallPolicy,
    Findings,
    Flag,
    Phase,
    Rewrite,
    TextPolicy,
    Verdict,
)

log = logging.getLogger(__name__)

SLICE = 8 * 1024
"""Characters that are judged in one go."""

TEXT_COST = 128
"""What a text costs besides its characters, in characters: many short ones take as long as a long one."""

TURN_S = 0.002
"""How long judging may keep the loop: a call waits for a few such turns at most."""

LARGE = 256 * 1024
"""Characters; the texts of a call that are larger are judged one call at a time."""

MAX_FINDINGS = 10_000
"""More in the texts of one call or answer is a block: nobody needs it, and each costs time."""

POLICY_ERROR = "policy_error"
SEVERITY: tuple[PolicyVerdict, ...] = ("allow", "flag", "redact", "block")
BLOCK_CODES = {Phase.INPUT: Code.INPUT_BLOCKED, Phase.OUTPUT: Code.OUTPUT_BLOCKED}


VERDICT_WORDS: dict[type[Verdict], PolicyVerdict] = {Flag: "flag", Rewrite: "redact", Block: "block"}


class Finished(Protocol):
    """What a text channel knows at its end."""

    @property
    def findings(self) -> Findings: ...

    @property
    def blocked(self) -> Block | None: ...


class Tally(msgspec.Struct):
    """What one policy did in one phase of one call."""

    policy: TextPolicy
    phase: Phase
    verdict: PolicyVerdict = "allow"
    reason_code: str | None = None
    findings: dict[str, int] = {}

    def add(self, verdict: Verdict) -> None:
        """Count a verdict; the worst one stays, of equal ones the first."""
        if isinstance(verdict, Allow):
            return
        for kind, count in verdict.findings.items():
            self.findings[kind] = self.findings.get(kind, 0) + count
        word: PolicyVerdict = VERDICT_WORDS[type(verdict)]
        if SEVERITY.index(word) > SEVERITY.index(self.verdict):
            self.verdict, self.reason_code = word, verdict.reason_code

    def outcome(self) -> PolicyOutcome:
        return PolicyOutcome(
            kind=self.policy.kind,
            phase=self.phase.value,
            verdict=self.verdict,
            reason_code=self.reason_code,
            findings=self.findings,
        )


@dataclass(frozen=True, slots=True)
class Judge:
    """Runs the policies of one phase, in the order of the chain. `now` is the clock by which it yields."""

    policies: Sequence[TextPolicy]
    phase: Phase
    fail_mode: FailMode
    slice_size: int = SLICE
    now: Callable[[], float] = perf_counter
    large: asyncio.Lock = field(default_factory=asyncio.Lock, compare=False)

    def tallies(self) -> list[Tally]:
        return [Tally(policy, self.phase) for policy in self.policies]

    def check_unreadable(self, parts: Iterable[Unreadable]) -> None:
        """Raises Fault where a part cannot be read and a policy of this phase insists."""
        for part in parts:
            for policy in self.policies:
                if policy.unreadable == "block":
                    raise unreadable_fault(policy, part.kind, format_path(part.path))

    def begin(self, unreadable: Iterable[Unreadable], kept: list[Tally]) -> list[Tally]:
        """The tallies of one call or answer, which are also added to `kept`. Raises Fault as `check_unreadable`."""
        if unreadable:
            self.check_unreadable(unreadable)
        tallies = self.tallies()
        kept += tallies
        return tallies

    async def judge(self, texts: Sequence[Text], tallies: list[Tally]) -> dict[Path, str]:
        """What to change in these texts. Raises Fault when a policy blocks."""
        changes = self.judge_short(texts, tallies)
        if changes is not None:
            return changes
        if _are_within(LARGE, texts):
            return await self._judge_long(texts, tallies)
        async with self.large:  # one after the other, or the turns of several would add up
            return await self._judge_long(texts, tallies)

    async def _judge_long(self, texts: Sequence[Text], tallies: list[Tally]) -> dict[Path, str]:
        """In slices, with turns for others in between."""
        changes: dict[Path, str] = {}
        turn_ends = self.now() + TURN_S
        for tally in tallies:
            for text in texts:
                value = changes.get(text.path, text.value)
                for verdict in self._sliced(tally.policy, text, value):
                    if verdict is not None:
                        self._act(tally, text, changes, verdict)
                    if self.now() > turn_ends:
                        await asyncio.sleep(0)
                        turn_ends = self.now() + TURN_S
        return changes

    def judge_short(self, texts: Sequence[Text], tallies: list[Tally]) -> dict[Path, str] | None:
        """The usual case, in one go; None where the texts are too long for that. Raises Fault as `judge`."""
        if not _are_within(self.slice_size, texts):
            return None
        changes: dict[Path, str] = {}
        for tally in tallies:
            for text in texts:
                value = changes.get(text.path, text.value) if changes else text.value
                verdict = self.verdict(tally.policy, text, value)
                if verdict is not ALLOW:  # nearly never
                    self._act(tally, text, changes, verdict)
        return changes

    def verdict(self, policy: TextPolicy, text: Text, value: str) -> Verdict:
        """One policy on one text, with the fail mode applied. What its roles leave out, it allows."""
        if policy.roles is not None and text.role not in policy.roles:
            return ALLOW
        try:
            return policy.judge(value, text.form)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong inside a policy must not open the door
            return self.after_error(policy, error)

    def after_error(self, policy: TextPolicy | CallPolicy, error: Exception) -> Flag | Block:
        """What an unexpected error inside a policy means. Logged here, without the text; the event counts it."""
        log.error("policy failed", exc_info=error, extra={"facts": {"policy": policy.kind, "phase": self.phase.value}})
        if self.fail_mode == "allow":
            return Flag(POLICY_ERROR, {POLICY_ERROR: 1})
        message = "The policy could not be evaluated, and the gateway fails closed."
        return Block(POLICY_ERROR, message, {POLICY_ERROR: 1})

    def _sliced(self, policy: TextPolicy, text: Text, value: str) -> Iterable[Verdict | None]:
        """Judge a text of any length; None after each slice that leaves more to do."""
        size = self.slice_size
        if len(value) <= size or not reads(policy, text.role):
            yield self.verdict(policy, text, value)
            return
        try:
            channel = policy.open_channel(text.form)
            released = []
            for start in range(0, len(value), size):
                released.append(channel.feed(value[start : start + size]))
                if channel.blocked:
                    break
                yield None
            released.append(channel.finish())
            yield verdict_of(policy, channel, "".join(released) if channel.findings else "")
        except Exception as error:  # noqa: BLE001 - as above
            yield self.after_error(policy, error)

    def _act(self, tally: Tally, text: Text, changes: dict[Path, str], verdict: Verdict) -> None:
        tally.add(verdict)
        if isinstance(verdict, Rewrite):
            changes[text.path] = verdict.text
        if not isinstance(verdict, Block) and sum(tally.findings.values()) > MAX_FINDINGS:
            verdict = Block(tally.policy.reason_code, f"There are more than {MAX_FINDINGS:,} findings.")
            tally.add(verdict)
        if isinstance(verdict, Block):
            raise block_fault(self.phase, tally.policy, verdict, format_path(text.path))


def _are_within(limit: int, texts: Sequence[Text]) -> bool:
    size = 0
    for text in texts:
        size += len(text.value) + TEXT_COST
        if size > limit:
            return False
    return True


def reads(policy: TextPolicy, role: Role) -> bool:
    return policy.roles is None or role in policy.roles


def check_call(call: Call, providers: Providers, output: Judge) -> None:
    """Refuse what the pack does not let clients ask for, or what no output policy could read. Raises Fault."""
    refused = [tool for tool in call.server_tools if tool not in providers.server_tools] if call.server_tools else ()
    if refused:
        raise Fault(
            Code.SERVER_TOOL_NOT_ALLOWED,
            f"The tool {refused[0]} runs at the provider, behind the policies: the pack must list it in "
            "providers.server_tools.",
            param="tools",
        )
    if call.provider_state and providers.provider_state == "refuse":
        raise Fault(
            Code.PROVIDER_STATE_NOT_ALLOWED,
            "This refers to an object that lives at the provider, and the pack sets providers.provider_state: refuse.",
            param=format_path(call.provider_state[0]),
        )
    for policy in output.policies:
        if call.asks_logprobs and policy.can_rewrite:
            raise Fault(
                Code.LOGPROBS_NOT_INSPECTABLE,
                f"logprobs would repeat what {policy.kind} takes out of an answer: call without them.",
                param="logprobs",
                policy=policy.kind,
            )
    if call.unreadable_reply is not None:
        output.check_unreadable([Unreadable(("response",), call.unreadable_reply)])


def verdict_of(policy: TextPolicy, channel: Finished, released: str) -> Verdict:
    """What a finished channel amounts to."""
    if channel.blocked:
        return channel.blocked
    if not channel.findings:
        return ALLOW
    if policy.can_rewrite:
        return Rewrite(released, policy.reason_code, channel.findings)
    return Flag(policy.reason_code, channel.findings)


def block_fault(phase: Phase, policy: TextPolicy, block: Block, where: str) -> Fault:
    return Fault(BLOCK_CODES[phase], block.message, param=where if phase is Phase.INPUT else None, policy=policy.kind)


def unreadable_fault(policy: TextPolicy, kind: str, where: str) -> Fault:
    return Fault(
        Code.CONTENT_NOT_INSPECTABLE,
        f"{where} is of type {kind}, which {policy.kind} cannot read. To let such content pass unread, "
        f"the pack may set policy.{policy.kind}.unreadable: allow.",
        param=where,
        policy=policy.kind,
    )
