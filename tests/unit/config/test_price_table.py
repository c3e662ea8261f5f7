"""The shipped table of prices: whole, sound, and found by the names that people use."""

import re
from datetime import date
from decimal import Decimal

import pytest

from keeptrusts.config.price_table import find_listed, price_table

TABLE = price_table()
ROWS = [(provider.names[0], price) for provider in TABLE.providers for price in provider.models]
EMBEDS = re.compile(r"embed")


def test_the_table_says_where_it_comes_from():
    assert (TABLE.source, TABLE.licence) == ("genai-prices", "MIT")
    assert re.fullmatch(r"\d+\.\d+\.\d+", TABLE.version)
    assert date.fromisoformat(TABLE.date) <= date(2100, 1, 1)


def test_the_providers_that_packs_can_name_are_in_it():
    names = {name for provider in TABLE.providers for name in provider.names}
    assert names >= {"openai", "azure-openai", "anthropic", "google", "groq", "mistral", "deepseek", "xai", "together"}
    assert all(name in names for provider in TABLE.providers for name in provider.fallback)


def test_every_model_has_a_price_that_is_one():
    for provider, price in ROWS:
        place = (provider, price.id)
        assert price.steps or Decimal(price.per_request) > 0, place
        for steps in (price.steps, *price.tiers.values()):
            starts = [start for start, _ in steps]
            assert starts == sorted(set(starts)), place
            assert starts[:1] in ([], [0]), place
            for _, rates in steps:
                assert "input" in rates, place
                assert all(0 <= Decimal(amount) < 10_000 for amount in rates.values()), place
        assert all(Decimal(fee) >= 0 for fee in (price.per_request, price.web_search or 0)), place


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google", "groq", "mistral", "deepseek", "xai"])
def test_every_model_that_writes_has_a_price_for_it(provider):
    silent = {price.id for name, price in ROWS if name == provider and "output" not in dict(price.steps).get(0, {})}
    assert {name for name in silent if not EMBEDS.search(name)} == set()


def test_every_model_is_found_by_its_whole_names_in_any_case():
    for provider, price in ROWS:
        for name in price.names:
            assert find_listed(provider, name) is find_listed(provider, name.upper()) is not None, (provider, name)
    assert find_listed("together", "Qwen/Qwen3.5-9B") is not None


def test_every_pattern_is_one_and_every_model_has_a_name():
    for provider, price in ROWS:
        assert price.names or price.begins or price.patterns, (provider, price.id)
        for pattern in price.patterns:
            re.compile(pattern)


@pytest.mark.parametrize(
    ("provider", "model", "found"),
    [
        ("openai", "gpt-4o-mini", "gpt-4o-mini"),
        ("openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("openai", "GPT-4o-mini", "gpt-4o-mini"),
        ("openai", "text-embedding-3-small", "text-embedding-3-small"),
        ("azure-openai", "gpt-4o-mini", "gpt-4o-mini"),
        ("anthropic", "claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("anthropic", "claude-opus-4-1-20250805", "claude-opus-4-1"),
        ("anthropic", "claude-opus-4-10", None),
        ("anthropic", "claude-opus-4.15", None),
        ("anthropic", "claude-sonnet-4-20250514", "claude-sonnet-4-0"),
        ("google", "claude-opus-4-5@20251101", "claude-opus-4-5"),
        ("google", "claude-opus-4-50", None),
        ("google", "gemini-2.0-flash-001", "gemini-2.0-flash"),
        ("google", "models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("google", "gemini-2.5-pro", "gemini-2.5-pro"),
        ("openai", "gpt-4o-mini-search-preview", None),
        ("openai", "whisper-1", None),
        ("openai", "nobodys-model", None),
        ("nobody", "gpt-4o-mini", None),
    ],
)
def test_models_are_found_by_their_names(provider, model, found):
    listed = find_listed(provider, model)
    assert (listed and listed.id) == found
