"""`spend-limit`: what the author of a pack may say about a hard cap on the money spent in a day."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from keeptrusts.config.names import Timezone


class SpendLimitSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `spend-limit`.

    The day begins at midnight in `timezone`. `bound` says how the worst case of a call is reckoned: from its bytes
    (strict), or from what calls have used so far (learned).
    """

    max_daily_usd: Annotated[float, Meta(gt=0, le=1_000_000_000)]
    timezone: Timezone = "UTC"
    per: Literal["pack", "key"] = "pack"
    bound: Literal["strict", "learned"] = "strict"
