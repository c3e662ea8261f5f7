"""Token counts. Arithmetic only; what a token costs is somebody else's knowledge."""

from typing import Literal, TypeAlias

import msgspec

ServiceTier: TypeAlias = Literal["standard", "flex", "priority", "fast"]
"""How a provider serves a call: at its usual price, cheaper and slower, or dearer and faster."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What one call used, in tokens but for `web_searches`, which are a fee each.

    `input_tokens` includes the cached ones, as at OpenAI, and all others that are named beside it: `cache_write_tokens`
    were written to the provider's cache, `cache_write_1h_tokens` of them for an hour; `audio_input_tokens` were sound.
    `output_tokens` includes reasoning and `audio_output_tokens`.
    `service_tier` is the one that the provider says it served the call in.
    `estimated` says that the provider gave no final count.
    """

    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    web_searches: int = 0
    service_tier: ServiceTier = "standard"
