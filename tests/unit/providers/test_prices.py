"""A target's price: as its pack says, else as listed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.config.price_table import price_table
from keeptrusts.config.targets import Price as AuthoredPrice
from keeptrusts.contract.call import Route
from keeptrusts.contract.usage import Usage
from keeptrusts.providers.prices import find_price, listed_price
from keeptrusts.providers.pricing import Price

MILLION = Usage(input_tokens=1_000_000, output_tokens=1_000_000)


def authored(wire="openai", **price):
    return find_price("nobody", "nobodys-model", wire, AuthoredPrice(**price))


def test_a_listed_price_is_exact():
    price = listed_price("openai", "gpt-4o-mini")
    assert price.cost_micros(MILLION) == 750_000
    assert price.cost_micros(Usage(input_tokens=1_000_000, cached_input_tokens=1_000_000)) == 75_000
    assert price.context_window == 128_000


def test_anthropics_cache_is_listed_with_it():
    price = listed_price("anthropic", "claude-haiku-4-5")
    assert price.cost_micros(Usage(input_tokens=1_000_000)) == 1_000_000
    assert price.cost_micros(Usage(input_tokens=1_000_000, cached_input_tokens=1_000_000)) == 100_000
    assert price.cost_micros(Usage(input_tokens=1_000_000, cache_write_tokens=1_000_000)) == 1_250_000
    kept = Usage(input_tokens=1_000_000, cache_write_tokens=1_000_000, cache_write_1h_tokens=1_000_000)
    assert price.cost_micros(kept) == 2_000_000
    assert price.cost_micros(Usage(web_searches=3)) == 30_000


def test_every_listed_price_can_be_reckoned_with():
    for provider in price_table().providers:
        for model in provider.models:
            name = model.names[0] if model.names else model.id
            price = listed_price(provider.names[0], name)
            assert price is None or price.cost_micros(MILLION) >= 0, name


def test_a_pack_that_names_a_price_names_the_whole_of_it():
    own = AuthoredPrice(input_per_mtok_usd=1.0, output_per_mtok_usd=2.0)
    price = find_price("openai", "gpt-4o-mini", "openai", own)
    assert price.cost_micros(MILLION) == 3_000_000
    assert price.cost_micros(Usage(input_tokens=1_000_000, cached_input_tokens=1_000_000)) == 1_000_000
    assert price.tiers == {}
    assert price.web_search is None
    assert price.context_window == 128_000


def test_a_cached_token_may_have_its_own_price():
    price = authored(input_per_mtok_usd=1.0, cached_input_per_mtok_usd=0.1)
    assert price.cost_micros(Usage(input_tokens=1_000_000, cached_input_tokens=1_000_000)) == 100_000


def test_what_anthropic_adds_for_its_cache_is_added_to_an_own_price_too():
    written = Usage(input_tokens=1_000_000, cache_write_tokens=1_000_000)
    kept = Usage(input_tokens=1_000_000, cache_write_tokens=1_000_000, cache_write_1h_tokens=1_000_000)
    price = authored("anthropic", input_per_mtok_usd=3.0, output_per_mtok_usd=15.0)
    assert (price.cost_micros(written), price.cost_micros(kept)) == (3_750_000, 6_000_000)
    assert authored(input_per_mtok_usd=3.0).cost_micros(written) == 3_000_000


def test_a_price_by_the_request_alone_holds_on_every_route():
    price = authored(per_request_usd=0.04)
    assert price == Price(per_request=40_000_000_000)
    assert price.covers(Route.IMAGE_GENERATIONS)
    assert price.cost_micros(Usage(input_tokens=5)) == 40_000


def test_a_price_without_output_is_one_of_models_that_only_read():
    price = authored(input_per_mtok_usd=0.02)
    assert price.covers(Route.EMBEDDINGS)
    assert not price.covers(Route.CHAT)


def test_a_price_of_output_alone_is_none():
    assert authored(output_per_mtok_usd=1.0) is None


@given(st.integers(0, 10**9))
def test_what_an_author_writes_with_six_decimals_is_taken_exactly(millionths):
    price = authored(input_per_mtok_usd=millionths / 1_000_000)
    assert price.steps[0][1].input == millionths


@pytest.mark.parametrize("amount", [1e-7, 0.00000123])
def test_finer_amounts_are_rounded_up(amount):
    assert authored(input_per_mtok_usd=amount).steps[0][1].input == -(-round(amount * 10**9) // 1000)
