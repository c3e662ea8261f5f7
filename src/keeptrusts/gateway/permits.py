"""What a caller may ask for: runs the policies that judge a call by who makes it, before any text is read."""

from collections.abc import Callable, Sequence

from keeptrusts.contract.call import Call
from keeptrusts.contract.events import PolicyOutcome
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.identity import Identity
from keeptrusts.gateway.judging import VERDICT_WORDS, Judge
from keeptrusts.policies.verdict import Allow, Block, CallPolicy, Phase, Verdict


def check_permitted(
    policies: Sequence[CallPolicy], call: Call, identity: Identity, judge: Judge, rulings: list[PolicyOutcome]
) -> None:
    """Run the policies in their order; each leaves a ruling. Raises Fault where one blocks the call.

    `judge` says what an error inside a policy means.
    """
    for policy in policies:
        verdict = _verdict(policy, call, identity, judge)
        rulings.append(_ruling(policy.kind, verdict))
        if isinstance(verdict, Block):
            raise Fault(Code.INPUT_BLOCKED, verdict.message, param=verdict.param, policy=policy.kind)


def permitted_models(policies: Sequence[CallPolicy], identity: Identity) -> Callable[[str], bool]:
    """Tells of a model's name whether such a caller may ask for it."""
    return lambda model: all(policy.permits_model(model, identity) for policy in policies)


def _verdict(policy: CallPolicy, call: Call, identity: Identity, judge: Judge) -> Verdict:
    try:
        return policy.judge_call(call, identity)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong inside a policy must not open the door
        return judge.after_error(policy, error)


def _ruling(kind: str, verdict: Verdict) -> PolicyOutcome:
    if isinstance(verdict, Allow):
        return PolicyOutcome(kind=kind, phase=Phase.INPUT, verdict="allow")
    return PolicyOutcome(
        kind=kind,
        phase=Phase.INPUT,
        verdict=VERDICT_WORDS[type(verdict)],
        reason_code=verdict.reason_code,
        findings=dict(verdict.findings),
    )
