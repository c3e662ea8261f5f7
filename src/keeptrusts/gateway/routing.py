"""Which target serves a call. Pure: looks at the snapshot and the model asked for, nothing else."""

from collections.abc import Sequence
from difflib import get_close_matches

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.targets import Target


def choose_target(targets: Sequence[Target], model: str, dialect: str) -> Target:
    """The first listed target that answers to the model, speaks the dialect and has its credential. Raises Fault."""
    matching = [target for target in targets if target.answers(model)]
    if not matching:
        raise _model_not_found(targets, model)
    speaking = [target for target in matching if target.format == dialect]
    if not speaking:
        raise Fault(
            Code.ROUTE_NOT_SUPPORTED_BY_TARGET,
            f"Model {model!r} is served by {matching[0].id}, which speaks {matching[0].format}'s format: "
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


def list_models(targets: Sequence[Target]) -> list[str]:
    """The names that clients may ask for, in the pack's order. Patterns name no model, so they are not listed."""
    return list(
        dict.fromkeys(name for target in targets for name in [target.model, *sorted(target.names)] if "*" not in name)
    )


def _model_not_found(targets: Sequence[Target], model: str) -> Fault:
    known = list_models(targets)
    nearest = get_close_matches(model, known, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    offered = f" This key may use: {', '.join(known[:20])}." if known else ""
    return Fault(Code.MODEL_NOT_FOUND, f"Model {model!r} is not offered here.{hint}{offered}", param="model")
