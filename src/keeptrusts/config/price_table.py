"""The prices that are known without a pack naming them: the table `prices.json`, part of the package.

Written by `tools/prices.py`; where it comes from stands in it. Read at the first question and not before. Knows no
arithmetic: amounts are as listed, in US dollars for a million tokens, or for one request or web search.
"""

import pkgutil
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec
from msgspec import field

from keeptrusts.contract.usage import ServiceTier

Amount: TypeAlias = str
RateName: TypeAlias = Literal[
    "input", "cached_input", "cache_write", "cache_write_1h", "audio_input", "output", "audio_output"
]
ListedSteps: TypeAlias = tuple[tuple[int, Mapping[RateName, Amount]], ...]
"""Rates by the length of the input: (tokens of input above which these hold, rates). The first is 0."""


class ListedPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What one model charges. The first members say which names mean it, in lower case; `window` is in tokens."""

    id: str
    names: tuple[str, ...] = field(default=(), name="is")
    begins: tuple[str, ...] = ()
    patterns: tuple[str, ...] = field(default=(), name="like")
    window: int | None = None
    per_request: Amount = "0"
    web_search: Amount | None = None
    steps: ListedSteps
    tiers: dict[ServiceTier, ListedSteps] = {}

    def means(self, model: str) -> bool:
        return (
            model in self.names
            or model.startswith(self.begins)
            or any(re.search(pattern, model, re.IGNORECASE) for pattern in self.patterns)
        )


class ListedProvider(msgspec.Struct, frozen=True, kw_only=True):
    """The models of one provider. `fallback` are those whose models and prices it has too."""

    names: tuple[str, ...]
    fallback: tuple[str, ...]
    models: tuple[ListedPrice, ...]


class PriceTable(msgspec.Struct, frozen=True, kw_only=True):
    """The whole table, and its origin: a package, its version and licence, and the day for which it was written."""

    source: str
    version: str
    licence: str
    date: str
    providers: tuple[ListedProvider, ...]


@cache
def price_table() -> PriceTable:
    content = pkgutil.get_data(__package__, "prices.json")
    assert content is not None
    return msgspec.json.decode(content, type=PriceTable)


@cache
def _by_name() -> Mapping[str, ListedProvider]:
    return MappingProxyType({name: provider for provider in price_table().providers for name in provider.names})


@lru_cache(maxsize=1024)
def find_listed(provider: str, model: str) -> ListedPrice | None:
    """What this provider charges for a model, by the first entry that means it. None where that is not known."""
    listed = _by_name().get(provider)
    if listed is None:
        return None
    name = model.lower().removeprefix("models/")  # as Google's own lists say it
    for source in (listed, *(_by_name()[other] for other in listed.fallback)):
        for price in source.models:
            if price.means(name):
                return price
    return None
