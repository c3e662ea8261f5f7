"""Which targets serve a call, in which order. Looks at the snapshot, the call and what is known of its targets.

First come the targets that offer the model asked for, in the order of the strategy; with `fallback` the others follow,
each with its own model. Left out is who has no credential, is left alone by its breaker, or cannot be given the call
without losing what changes the answer; who asked for a rest comes last. A target that takes any model is not given a
call of another dialect as long as one of the call's own dialect can take it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import ceil
from typing import Literal, TypeAlias

from msgspec import UNSET

from keeptrusts.config.targets import Providers
from keeptrusts.contract.call import Call, Route
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.targets import Target
from keeptrusts.providers.translation.catalog import find_translator
from keeptrusts.providers.translation.translator import Translator

ACROSS_MODELS = frozenset({Route.CHAT, Route.MESSAGES, Route.COMPLETIONS})
"""Where another model may answer: the vectors of another model, say, would be worthless."""

Trigger: TypeAlias = Literal["unreachable", "rate_limit", "server_error", "timeout"]
"""Why a target is left for the next one."""

ALWAYS: frozenset[Trigger] = frozenset({"unreachable"})
"""A call that never reached its target goes to the next one that offers the model, with or without `fallback`."""

Permits: TypeAlias = Callable[[str], bool]
"""Whether the caller may use a model."""


def any_model(_: str) -> bool:
    """What callers may use where no policy says otherwise."""
    return True


MAX_KNOWN_MODELS = 1000
"""Names asked for whose targets are remembered; clients may ask for any."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One attempt that a call may take. `translator` is None where client and target speak the same dialect."""

    target: Target
    translator: Translator | None = None


class Router:
    """Plans the attempts of a snapshot's calls. Owned by the event loop: it remembers whose turn it is."""

    def __init__(self, targets: Sequence[Target], providers: Providers) -> None:
        self._targets = tuple(targets)
        self._breaker = providers.circuit_breaker
        self.has_breaker = self._breaker is not UNSET
        self._arrange = _STRATEGIES[providers.routing.strategy]
        fallback = providers.fallback
        self.triggers = ALWAYS if fallback is UNSET else ALWAYS.union(fallback.triggers)
        self._across_models = fallback is not UNSET and fallback.across_models
        self._most = 1 + (len(self._targets) if fallback is UNSET else fallback.max_fallback_attempts)
        self._groups: dict[tuple[str, ...], Group] = {}
        self._known: dict[str, Group] = {}

    def plan(self, call: Call, dialect: str, now: float, permits: Permits = any_model) -> Sequence[Leg]:
        """The attempts that this call may take, at least one. `now` is monotonic. Raises Fault where there is none."""
        group = self._known.get(call.model) or self._find_group(call.model, permits)
        sole = group.sole
        if sole is None or sole[0].target.format != dialect or (self.has_breaker and self.wait_s(sole[0].target, now)):
            return self._plan(group, call, dialect, now, permits)
        return sole

    def _plan(self, group: "Group", call: Call, dialect: str, now: float, permits: Permits) -> list[Leg]:
        refusals: list[Fault] = []
        able = [leg for target in group.targets if (leg := self._leg(target, call, dialect, now, refusals))]
        if len(able) > 1 and any(leg.translator is None for leg in able):
            able = [leg for leg in able if leg.translator is None or leg.target.model != "*"]
        if call.provider_state:  # it lives at one of them, and only order can say at which
            able = able[:1]
        elif len(able) > 1:
            able = self._arrange(group, able)
        if self._across_models and call.route in ACROSS_MODELS and not call.provider_state:
            others = (target for target in self._targets if target not in group.targets and target.model != "*")
            permitted = (target for target in others if permits(target.model))
            able += [leg for target in permitted if (leg := self._leg(target, call, dialect, now, []))]
        if not able:
            raise max(refusals, key=lambda fault: _NEARNESS[fault.code])
        return able if len(able) == 1 else _rested_first(able, now)[: self._most]

    def speaks(self, dialect: str, model: str, permits: Permits) -> bool:
        """Whether a target that can serve the model speaks this dialect itself; True where none can.

        Raises Fault where none offers it.
        """
        group = self._known.get(model) or self._find_group(model, permits)
        usable = [target for target in group.targets if target.has_credential and target.objection is None]
        return not usable or any(target.format == dialect for target in usable)

    def _find_group(self, model: str, permits: Permits) -> "Group":
        matching = tuple(target for target in self._targets if target.answers(model))
        if not matching:
            raise _model_not_found(list_models(self._targets, permits), list_patterns(self._targets, permits), model)
        if len(self._known) >= MAX_KNOWN_MODELS:
            self._known.clear()
        names = tuple(target.id for target in matching)
        group = self._known[model] = self._groups.setdefault(names, Group(matching, is_all=not self._across_models))
        return group

    def _leg(self, target: Target, call: Call, dialect: str, now: float, refusals: list[Fault]) -> Leg | None:
        """How this target takes the call; where it cannot, why not is added to `refusals`."""
        if target.objection is not None:
            refusals.append(_not_compliant(target))
            return None
        if not target.has_credential:
            refusals.append(_no_credential(target))
            return None
        translator = None
        if target.format != dialect:
            translator = find_translator(call.route, target.format)
            obstacle = "model" if translator is None else translator.obstacle(call)
            if obstacle is not None:
                refusals.append(_not_supported(target, call, translator, obstacle))
                return None
        wait_s = self.wait_s(target, now)
        if wait_s:
            refusals.append(_left_alone(target, wait_s))
            return None
        return Leg(target, translator)

    def wait_s(self, target: Target, now: float) -> float:
        """How long its breaker leaves a target alone; 0 where a call may go out."""
        return 0.0 if self._breaker is UNSET else target.counters.breaker.wait_s(self._breaker, now)

    def check(self, target: Target, now: float) -> None:
        """Raises Fault where its breaker leaves the target alone."""
        wait_s = self.wait_s(target, now)
        if wait_s:
            raise _left_alone(target, wait_s)


class Group:
    """Targets that offer the same models, and whose turn it is among them.

    `sole` is the usual plan where no other target may serve (`is_all`) than the only one here, and that can be called.
    """

    def __init__(self, targets: tuple[Target, ...], *, is_all: bool) -> None:
        self.targets = targets
        is_sole = is_all and len(targets) == 1 and targets[0].has_credential and targets[0].objection is None
        self.sole = (Leg(targets[0]),) if is_sole else None
        self.turn = -1
        self.credit = dict.fromkeys((target.id for target in targets), 0)


def _in_order(_: Group, legs: list[Leg]) -> list[Leg]:
    return legs


def _in_turn(group: Group, legs: list[Leg]) -> list[Leg]:
    group.turn += 1
    first = group.turn % len(legs)
    return legs[first:] + legs[:first]


def _by_weight(group: Group, legs: list[Leg]) -> list[Leg]:
    """The smooth weighted turn of nginx: each earns its weight per call, the richest goes first and pays for all."""
    total = sum(leg.target.weight for leg in legs)
    if not total:
        return legs
    for leg in legs:
        group.credit[leg.target.id] += leg.target.weight
    first = max(legs, key=lambda leg: (bool(leg.target.weight), group.credit[leg.target.id]))
    group.credit[first.target.id] -= total
    return [first, *(leg for leg in legs if leg is not first)]


_STRATEGIES: dict[str, Callable[[Group, list[Leg]], list[Leg]]] = {
    "ordered": _in_order,
    "round_robin": _in_turn,
    "weighted": _by_weight,
}


def _rested_first(legs: list[Leg], now: float) -> list[Leg]:
    """Those that asked to be left alone for a while (`retry-after`) come last."""
    return sorted(legs, key=lambda leg: leg.target.counters.rests_until > now)


def list_models(targets: Sequence[Target], permits: Permits = any_model) -> list[str]:
    """The names that clients may ask for, in the pack's order. Patterns name no model, so they are not listed."""
    usable = [target for target in targets if target.objection is None]
    names = dict.fromkeys(name for target in usable for name in [target.model, *sorted(target.names)])
    return [name for name in names if "*" not in name and permits(name)]


def list_patterns(targets: Sequence[Target], permits: Permits = any_model) -> list[str]:
    """The patterns of names that are served besides, in the pack's order."""
    usable = [target for target in targets if target.objection is None]
    names = dict.fromkeys(name for target in usable for name in [target.model, *sorted(target.names)])
    return [name for name in names if "*" in name and permits(name)]


def is_offered(name: str, targets: Sequence[Target], permits: Permits) -> bool:
    """Whether clients may ask for this name, be it listed or only matched by a pattern. A pattern is no name."""
    is_name = bool(name) and name.isprintable() and "*" not in name
    return is_name and permits(name) and any(target.objection is None and target.answers(name) for target in targets)


# Of several refusals the client reads the one whose target was the nearest to taking the call.
_NEARNESS = {
    Code.NO_COMPLIANT_TARGET: 0,
    Code.ROUTE_NOT_SUPPORTED_BY_TARGET: 1,
    Code.TARGET_UNAVAILABLE: 2,
    Code.BREAKER_OPEN: 3,
}


def _not_compliant(target: Target) -> Fault:
    return Fault(
        Code.NO_COMPLIANT_TARGET,
        f"No target for this model complies with data-routing-policy: {target.id} does not, because "
        f"{target.objection}.",
        param="model",
        policy="data-routing-policy",
    )


def _model_not_found(known: list[str], patterns: list[str], model: str) -> Fault:
    nearest = get_close_matches(model, known, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    offered = f" Offered here are: {', '.join(known[:20])}." if known else ""
    if patterns:
        offered += f" Names are also served that match: {', '.join(patterns[:20])}."
    return Fault(Code.MODEL_NOT_FOUND, f"Model {model!r} is not offered here.{hint}{offered}", param="model")


def _no_credential(target: Target) -> Fault:
    message = f"Target {target.id} has no credential: its secret is missing where the gateway runs."
    return Fault(Code.TARGET_UNAVAILABLE, message, param="model")


def _not_supported(target: Target, call: Call, translator: Translator | None, obstacle: str) -> Fault:
    speaks = f"This model is served by {target.id}, which speaks {target.format}'s format"
    if translator is not None:
        reason = translator.explain(obstacle)
        why = f" ({reason})" if reason else ""
        message = f"{speaks}, where this `{obstacle}` cannot be carried without changing the answer{why}."
    elif call.route in ACROSS_MODELS:
        message = f"{speaks}: call it on a route of that format."
    else:
        message = f"{speaks} and cannot answer {call.route}: ask for another model."
    return Fault(Code.ROUTE_NOT_SUPPORTED_BY_TARGET, message, param=obstacle)


def _left_alone(target: Target, wait_s: float) -> Fault:
    message = f"Target {target.id} failed too often and is left alone for a while."
    return Fault(Code.BREAKER_OPEN, message, param="model", retry_after_s=ceil(wait_s))
