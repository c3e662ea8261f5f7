"""The most that a call may cost, over all targets that it may try: what is held before it is sent."""

from collections.abc import Sequence

from keeptrusts.contract.call import Call, Changes, Unreadable
from keeptrusts.contract.events import PolicyOutcome
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.routing import Leg
from keeptrusts.gateway.spend.learned import LearnedBounds
from keeptrusts.gateway.spend.refusals import POLICY
from keeptrusts.policies.verdict import Phase

WITHIN_BUDGET = PolicyOutcome(kind=POLICY, phase=Phase.ADMISSION, verdict="allow")
BUDGET_SPENT = PolicyOutcome(
    kind=POLICY, phase=Phase.ADMISSION, verdict="block", reason_code=Code.BUDGET_EXCEEDED.value
)


def bound_plan(
    plan: Sequence[Leg],
    call: Call,
    changes: Changes,
    unreadable: Sequence[Unreadable],
    learned: LearnedBounds | None = None,
) -> tuple[list[Leg], int]:
    """The attempts whose cost has a bound, and the most that they can cost together in micro-dollars.

    Each counts in full: a whole answer may break off at its very end, and be asked for again elsewhere.
    Bounds are strict, but for what was `learned`; a call without a strict bound has no learned one.
    Raises Fault where none has one: what cannot be bounded is not sent under a cap.
    """
    body_bytes = len(call.body)
    if changes:
        body_bytes += sum(map(_utf8_length, changes.values()))
    bounded, worst = [], 0
    for leg in plan:
        micros = _bound(leg, call, body_bytes, unreadable)
        if micros is not None and learned is not None:
            narrow, narrow_bytes = learned.narrow(leg.target.id, call, body_bytes)
            micros = min(micros, _bound(leg, narrow, narrow_bytes, unreadable) or 0)
        if micros is not None:
            bounded.append(leg)
            worst += micros
    if not bounded:
        raise _not_bounded(plan[0], call)
    return bounded, worst


def _utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _bound(leg: Leg, call: Call, body_bytes: int, unreadable: Sequence[Unreadable]) -> int | None:
    price = leg.target.price_of(call.model)
    if price is None:
        return None
    return price.worst_case_micros(
        call, body_bytes=body_bytes, unreadable=unreadable, max_output_tokens=leg.target.max_output_tokens
    )


def _not_bounded(leg: Leg, call: Call) -> Fault:
    price = leg.target.price_of(call.model)
    if price is None or not price.covers(call.route):
        message = (
            f"Spending is capped here, and for this call target {leg.target.id} has no price: "
            "its operator can give it one (`price`), or use another model."
        )
    else:
        message = (
            f"Spending is capped here, and nothing bounds what this call may cost at {leg.target.id}: "
            "set max_tokens, and a limit for each tool that the provider runs."
        )
    return Fault(Code.MODEL_NOT_PRICED, message, param="model", policy=POLICY)
