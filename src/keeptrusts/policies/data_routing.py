"""`data-routing-policy`: what the author of a pack may demand of providers' promises about data."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType


class DataRoutingSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `data-routing-policy`. A target that does not declare a promise does not keep it."""

    require_zero_data_retention: bool = False
    require_no_training: bool = False
    max_retention_days: Annotated[int, Meta(ge=0, le=36_500)] | UnsetType = UNSET
    on_no_compliant_provider: Literal["block"] = "block"
