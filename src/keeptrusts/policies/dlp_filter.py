"""`dlp-filter`: what the author of a pack may say about keeping secrets and terms of the house inside."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class DlpFilterSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `dlp-filter`: own patterns (RE2) and terms, besides the built-in credentials."""

    detect_patterns: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=1024)], ...], Meta(max_length=100)
    ] = ()
    blocked_terms: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=256)], ...], Meta(max_length=1000)] = ()
    action: Literal["redact", "block"] = "redact"
    unreadable: Literal["block", "allow"] = "block"
