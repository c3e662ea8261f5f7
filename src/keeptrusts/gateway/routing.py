"""Which target serves a call. Pure: looks at the snapshot and the model asked for, nothing else."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.targets import Target


def choose_target(
    targets: Sequence[Target], model: str, dialect: str, permits: Callable[[str], bool] = lambda _: True
) -> Target:
    """The first listed target that answers to the model, speaks the dialect and has its credential. Raises Fault.

    `permits` says of a model whether an error may name it to this caller.
    """
    matching = [target for target in targets if target.answers(model)]
    if not matching:
        raise _model_not_found(list_models(targets, permits), model)
    compliant = [target for target in matching if target.objection is None]
    if not compliant:
        raise _no_compliant_target(matching[0], model)
    speaking = [target for target in compliant if target.format == dialect]
    if not speaking:
        raise Fault(
            Code.ROUTE_NOT_SUPPORTED_BY_TARGET,
            f"Model {model!r} is served by {compliant[0].id}, which speaks {compliant[0].format}'s format: "
            f"call it on a route of that format.",
            param="model",
        )
    for target in speaking:
        if target.has_credential:
            return target
    raise Fault(
        Code.TARGET_UNAVAILABLE,
        f"Target {speaking[0].id} has no credential: its secret is missing where the gateway runs.",
        param="model",
    )


def list_models(targets: Sequence[Target], permits: Callable[[str], bool] = lambda _: True) -> list[str]:
    """The names that clients may ask for, in the pack's order. Patterns name no model, so they are not listed."""
    usable = [target for target in targets if target.objection is None]
    names = dict.fromkeys(name for target in usable for name in [target.model, *sorted(target.names)])
    return [name for name in names if "*" not in name and permits(name)]


def _no_compliant_target(target: Target, model: str) -> Fault:
    return Fault(
        Code.NO_COMPLIANT_TARGET,
        f"No target for model {model!r} complies with data-routing-policy: {target.id} does not, because "
        f"{target.objection}.",
        param="model",
        policy="data-routing-policy",
    )


def _model_not_found(known: list[str], model: str) -> Fault:
    nearest = get_close_matches(model, known, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    offered = f" This key may use: {', '.join(known[:20])}." if known else ""
    return Fault(Code.MODEL_NOT_FOUND, f"Model {model!r} is not offered here.{hint}{offered}", param="model")
