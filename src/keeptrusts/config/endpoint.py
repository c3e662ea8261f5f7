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
AZURE = "azure-openai"
AZURE_API_VERSION = "2024-10-21"
"""The last dated version that Azure declared stable for its deployment paths; newer code calls `/openai/v1`."""

_HAS_VERSION = re.compile(r"/v[0-9]+[A-Za-z0-9]*(?:/|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A target's address.

    `url` never ends in a slash and includes the API's version: a route such as `chat/completions` is appended to it
    after a slash. The credential goes into `api_key_header` behind `api_key_prefix`.
    With an `api_version` it is one of Azure's deployment APIs: `url` ends in `/openai`, and the model is in the path.
    """

    format: Format
    url: str
    api_key_header: str
    api_key_prefix: str
    api_version: str | None = None


def default_format(provider: str) -> Format:
    """Anthropic speaks its own format; everybody else is called with OpenAI's."""
    return "anthropic" if provider == "anthropic" else "openai"


def resolve_endpoint(target: ProviderTarget) -> Endpoint:
    """Fill in what the target leaves out. A judged pack always resolves; KeyError means that it was not judged."""
    wire = default_format(target.provider) if target.format is UNSET else target.format
    is_azure = target.provider == AZURE
    header, prefix = ("api-key", "") if is_azure else _CREDENTIAL[wire]
    if target.api_key_header is not UNSET:
        header = target.api_key_header
        # A prefix belongs to its header: `api-key: Bearer ...` would be wrong.
        prefix = "Bearer " if header.lower() == "authorization" else ""
    if target.api_key_prefix is not UNSET:
        prefix = target.api_key_prefix
    base = BASE_URLS[target.provider] if target.base_url is UNSET else target.base_url
    if is_azure and wire == "openai" and not has_version(base):
        version = AZURE_API_VERSION if target.api_version is UNSET else target.api_version
        url = base.rstrip("/").removesuffix("/openai") + "/openai"
        return Endpoint(format=wire, url=url, api_key_header=header, api_key_prefix=prefix, api_version=version)
    return Endpoint(format=wire, url=versioned(base), api_key_header=header, api_key_prefix=prefix)


def has_version(base_url: str) -> bool:
    """Whether the path of a base URL names a version of the API, such as `/v1`."""
    path = base_url.rstrip("/").partition("://")[2].partition("/")[2]
    return _HAS_VERSION.search("/" + path) is not None


def versioned(base_url: str) -> str:
    """The base URL with its API version: as given where it names one, else `/v1` is added."""
    trimmed = base_url.rstrip("/")
    return trimmed if has_version(trimmed) else trimmed + "/v1"
