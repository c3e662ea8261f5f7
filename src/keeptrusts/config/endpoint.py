"""Where and how a target is called: the authored fields with every default in place. Knows the well-known addresses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from msgspec import UNSET

from keeptrusts.config.targets import ProviderTarget

Format: TypeAlias = Literal["openai", "anthropic"]

BASE_URLS: Mapping[str, str] = MappingProxyType(
    {
        "openai": "https://api.openai.com",
        "anthropic": "https://api.anthropic.com",
        "google": "https://generativelanguage.googleapis.com/v1beta/openai",
    }
)
"""Providers whose address is known. Any other provider's target must name its own."""

_CREDENTIAL: Mapping[Format, tuple[str, str]] = MappingProxyType(
    {"openai": ("Authorization", "Bearer "), "anthropic": ("x-api-key", "")}
)
_HAS_VERSION = re.compile(r"/v[0-9]+[A-Za-z0-9]*(?:/|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A target's address.

    `url` never ends in a slash and includes the API's version: a route such as `chat/completions` is appended to it
    after a slash. The credential goes into `api_key_header` behind `api_key_prefix`.
    """

    format: Format
    url: str
    api_key_header: str
    api_key_prefix: str


def default_format(provider: str) -> Format:
    """Anthropic speaks its own format; everybody else is called with OpenAI's."""
    return "anthropic" if provider == "anthropic" else "openai"


def resolve_endpoint(target: ProviderTarget) -> Endpoint:
    """Fill in what the target leaves out. A judged pack always resolves; KeyError means that it was not judged."""
    wire = default_format(target.provider) if target.format is UNSET else target.format
    header, prefix = _CREDENTIAL[wire]
    if target.api_key_header is not UNSET:
        header = target.api_key_header
        # A prefix belongs to its header: `api-key: Bearer ...` would be wrong.
        prefix = "Bearer " if header.lower() == "authorization" else ""
    if target.api_key_prefix is not UNSET:
        prefix = target.api_key_prefix
    base = BASE_URLS[target.provider] if target.base_url is UNSET else target.base_url
    return Endpoint(format=wire, url=versioned(base), api_key_header=header, api_key_prefix=prefix)


def versioned(base_url: str) -> str:
    """The base URL with its API version: as given where it names one, else `/v1` is added."""
    trimmed = base_url.rstrip("/")
    path = trimmed.partition("://")[2].partition("/")[2]
    return trimmed if _HAS_VERSION.search("/" + path) else trimmed + "/v1"
