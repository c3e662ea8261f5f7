"""The authored pack: what `policy-config.yaml` says, as frozen values. What runs is compiled from it elsewhere."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from keeptrusts.config.names import Header, Name, Version
from keeptrusts.config.targets import Providers

WindowSeconds = Annotated[int, Meta(ge=1, le=2_678_400)]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000_000)]


class Label(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The author's label of a pack. Calls to a pack that is not `enabled` are refused with 503 `pack_disabled`."""

    name: Name
    version: Version
    enabled: bool = True
    description: Annotated[str, Meta(max_length=2000)] = ""


class Policies(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which policies judge a call, in their order within each phase."""

    chain: Annotated[tuple[str, ...], Meta(max_length=50)] = ()


class SizeLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How large bodies may be, in bytes, after decompression."""

    max_body_bytes: Annotated[int, Meta(ge=1024, le=1_073_741_824)] = 33_554_432
    max_response_bytes: Annotated[int, Meta(ge=1024, le=1_073_741_824)] = 67_108_864


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many calls may be in flight in one instance. Per key the default is a quarter of the whole."""

    max_in_flight: Annotated[int, Meta(ge=1, le=1_000_000)] = 1000
    max_in_flight_per_key: Annotated[int, Meta(ge=1, le=1_000_000)] | UnsetType = UNSET


class GlobalRateLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests of all callers together in a window, per instance."""

    max_requests: Count
    window_seconds: WindowSeconds = 60


class UserRateLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests of one user in a window, per instance. A user is what the named headers say together."""

    max_requests: Count
    window_seconds: WindowSeconds = 60
    header_names: Annotated[tuple[Header, ...], Meta(min_length=1, max_length=8)] = ("x-user-id",)


class TokenRateLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokens of all callers together in a window, per instance."""

    max_tokens: Count
    window_seconds: WindowSeconds = 3600


class Pack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A policy pack. `policy` holds the settings by kind, as written and already judged against the kind's own type."""

    pack: Label
    providers: Providers
    policies: Policies = Policies()
    policy: dict[str, dict[str, Any]] = {}
    size_limits: SizeLimits = SizeLimits()
    limits: Limits = Limits()
    global_rate_limit: GlobalRateLimit | UnsetType = UNSET
    user_rate_limit: UserRateLimit | UnsetType = UNSET
    token_rate_limit: TokenRateLimit | UnsetType = UNSET
