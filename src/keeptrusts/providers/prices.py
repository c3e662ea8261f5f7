"""The price of a target, ready to reckon with: as its pack says, else as listed for its provider and model."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

from msgspec import UNSET

from keeptrusts.config.endpoint import Format
from keeptrusts.config.price_table import Amount, ListedSteps, RateName, find_listed
from keeptrusts.config.targets import Price as AuthoredPrice
from keeptrusts.providers.pricing import Price, Rates, Steps

_PICOS_PER_TOKEN = 1_000_000
"""A dollar for a million tokens, in pico-dollars for one."""

_PICOS = 1_000_000_000_000


def listed_price(provider: str, model: str) -> Price | None:
    """The price as listed; None where none is known."""
    listed = find_listed(provider, model)
    if listed is None:
        return None
    return Price(
        steps=_steps(listed.steps),
        tiers={tier: _steps(steps) for tier, steps in listed.tiers.items()},
        per_request=_picos(listed.per_request, _PICOS),
        web_search=None if listed.web_search is None else _picos(listed.web_search, _PICOS),
        context_window=listed.window,
    )


@lru_cache(maxsize=1024)
def find_price(provider: str, model: str, wire: Format, authored: AuthoredPrice | None) -> Price | None:
    """What a target charges for a model; None where nobody says. `authored` is what its pack says, which then is all.

    The length of a context window is no price: it is taken from the list in any case.
    """
    listed = listed_price(provider, model)
    if authored is None:
        return listed
    steps: Steps = ()
    if authored.input_per_mtok_usd is not UNSET:
        steps = ((0, _authored_rates(authored, wire)),)
    elif authored.output_per_mtok_usd is not UNSET:
        return None
    return Price(
        steps=steps,
        per_request=_picos(str(authored.per_request_usd), _PICOS),
        context_window=None if listed is None else listed.context_window,
    )


def _authored_rates(authored: AuthoredPrice, wire: Format) -> Rates:
    rates: dict[RateName, Amount] = {"input": str(authored.input_per_mtok_usd)}
    if authored.cached_input_per_mtok_usd is not UNSET:
        rates["cached_input"] = str(authored.cached_input_per_mtok_usd)
    if authored.output_per_mtok_usd is not UNSET:
        rates["output"] = str(authored.output_per_mtok_usd)
    if wire == "anthropic":  # what all of Anthropic's models add
        rates["cache_write"] = str(Decimal(rates["input"]) * Decimal("1.25"))
        rates["cache_write_1h"] = str(Decimal(rates["input"]) * 2)
    return _rates(rates)


def _steps(listed: ListedSteps) -> Steps:
    return tuple((start, _rates(rates)) for start, rates in listed)


def _rates(listed: Mapping[RateName, Amount]) -> Rates:
    """What is not listed on its own costs as much as what it is a kind of."""
    given = {name: _picos(amount, _PICOS_PER_TOKEN) for name, amount in listed.items()}
    plain, output = given["input"], given.get("output")
    cache_write = given.get("cache_write", plain)
    return Rates(
        input=plain,
        cached_input=given.get("cached_input", plain),
        cache_write=cache_write,
        cache_write_1h=given.get("cache_write_1h", cache_write),
        audio_input=given.get("audio_input", plain),
        output=output,
        audio_output=given.get("audio_output", output or 0),
    )


def _picos(amount: Amount, unit: int) -> int:
    """Dollars as a whole number of pico-dollars for `unit`; what a price has below that is rounded up."""
    return int((Decimal(amount) * unit).to_integral_value(ROUND_CEILING))
