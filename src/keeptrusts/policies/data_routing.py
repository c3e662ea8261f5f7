"""`data-routing-policy`: which targets may get data at all, by what their providers promise to do with it."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from keeptrusts.config.targets import DataPolicy
from keeptrusts.policies.verdict import Phase


class DataRoutingSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `data-routing-policy`. A target that does not declare a promise does not keep it."""

    require_zero_data_retention: bool = False
    require_no_training: bool = False
    max_retention_days: Annotated[int, Meta(ge=0, le=36_500)] | UnsetType = UNSET
    on_no_compliant_provider: Literal["block"] = "block"


class DataRouting:
    """Objects to targets. What is not declared is not promised; zero retention is a retention of no days."""

    kind = "data-routing-policy"
    phases = frozenset({Phase.ROUTING})

    def __init__(self, spec: DataRoutingSpec) -> None:
        self._spec = spec

    @classmethod
    def compile(cls, spec: DataRoutingSpec) -> "DataRouting":
        return cls(spec)

    def objection(self, promise: DataPolicy | UnsetType) -> str | None:
        spec = self._spec
        promised = DataPolicy() if promise is UNSET else promise
        if spec.require_zero_data_retention and promised.zero_data_retention is not True:
            return "it does not declare zero_data_retention"
        if spec.require_no_training and promised.training_opt_out is not True:
            return "it does not declare training_opt_out"
        if spec.max_retention_days is UNSET:
            return None
        days = _retention_days(promised)
        if days is None:
            return "it does not declare retention_days"
        if days > spec.max_retention_days:
            return f"it keeps data for {days} days, and at most {spec.max_retention_days} are allowed"
        return None


def _retention_days(promised: DataPolicy) -> int | None:
    if promised.retention_days is not UNSET:
        return promised.retention_days
    return 0 if promised.zero_data_retention is True else None
