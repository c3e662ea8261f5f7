"""The `providers` section of a pack, as authored: which models can be reached, where, and with whose credential."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from keeptrusts.config.names import (
    ApiVersion,
    BaseUrl,
    EnvName,
    Header,
    HeaderValue,
    Model,
    ModelGlob,
    Name,
    Prefix,
    SecretFile,
    Tool,
    UpstreamModel,
    Variable,
)

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Usd = Annotated[float, Meta(ge=0, le=1_000_000)]


class SecretRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a credential lies. Exactly one of the three; never the credential itself."""

    env: EnvName | UnsetType = UNSET
    store: Variable | UnsetType = UNSET
    file: SecretFile | UnsetType = UNSET


class Timeouts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long each part of a call to a provider may take, in seconds."""

    connect_s: Seconds = 5
    first_byte_s: Seconds = 600
    idle_s: Seconds = 300
    total_s: Seconds = 3600


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a target charges, in US dollars; `mtok` is a million tokens."""

    input_per_mtok_usd: Usd | UnsetType = UNSET
    cached_input_per_mtok_usd: Usd | UnsetType = UNSET
    output_per_mtok_usd: Usd | UnsetType = UNSET
    per_request_usd: Usd = 0


class DataPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the provider promises to do with the data. What is not declared is not promised."""

    zero_data_retention: bool | UnsetType = UNSET
    training_opt_out: bool | UnsetType = UNSET
    retention_days: Annotated[int, Meta(ge=0, le=36_500)] | UnsetType = UNSET


class ProviderTarget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider, a model and a credential. What is left out follows from `provider`: `endpoint.resolve_endpoint`."""

    id: Model
    provider: Name
    model: UpstreamModel
    aliases: Annotated[tuple[ModelGlob, ...], Meta(max_length=100)] = ()
    format: Literal["openai", "anthropic"] | UnsetType = UNSET
    base_url: BaseUrl | UnsetType = UNSET
    api_version: ApiVersion | UnsetType = UNSET
    secret_key_ref: (
        Annotated[SecretRef, Meta(extra_json_schema={"minProperties": 1, "maxProperties": 1})] | UnsetType
    ) = UNSET
    api_key_header: Header | UnsetType = UNSET
    api_key_prefix: Prefix | UnsetType = UNSET
    headers: Annotated[dict[Header, HeaderValue], Meta(max_length=32)] = {}
    timeouts: Timeouts = Timeouts()
    price: Price | UnsetType = UNSET
    max_output_tokens: Annotated[int, Meta(ge=1, le=10_000_000)] | UnsetType = UNSET
    data_policy: DataPolicy | UnsetType = UNSET
    weight: Annotated[int, Meta(ge=0, le=1_000_000)] = 1


class Routing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of several targets for one model is tried first."""

    strategy: Literal["ordered", "round_robin", "weighted"] = "ordered"


class Fallback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When another target is tried, before the first byte of content went to the client."""

    triggers: Annotated[tuple[Literal["rate_limit", "server_error", "timeout"], ...], Meta(min_length=1)] = (
        "rate_limit",
        "server_error",
        "timeout",
    )
    max_fallback_attempts: Annotated[int, Meta(ge=1, le=10)] = 3
    across_models: bool = True


class CircuitBreaker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a failing target is left alone, and for how long."""

    failure_threshold: Annotated[int, Meta(ge=1, le=10_000)] = 5
    cooldown_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 30
    half_open_requests: Annotated[int, Meta(ge=1, le=1_000)] = 1


class Providers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where calls may go.

    `server_tools` are the provider-side tools that clients may use. Without `provider_state` a dedicated gateway
    allows references to objects that live at the provider, a hosted one refuses them.
    """

    targets: Annotated[tuple[ProviderTarget, ...], Meta(min_length=1, max_length=500)]
    routing: Routing = Routing()
    fallback: Fallback | UnsetType = UNSET
    circuit_breaker: CircuitBreaker | UnsetType = UNSET
    server_tools: Annotated[tuple[Tool, ...], Meta(max_length=100)] = ()
    provider_state: Literal["allow", "refuse"] | UnsetType = UNSET
