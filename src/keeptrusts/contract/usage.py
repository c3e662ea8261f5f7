"""Token counts. Arithmetic only; what a token costs is somebody else's knowledge."""

import msgspec


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What one call used, in tokens.

    `input_tokens` includes the cached ones, as at OpenAI. `estimated` says that the provider gave no final count.
    """

    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
