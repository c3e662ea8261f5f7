"""Writes the table of prices that the package ships, out of the data of the package genai-prices: `make prices`.

Takes what holds today. A model that charges by a unit which the gateway cannot count, such as minutes, is left out;
so is one of which the source gives no price: none is ever made up here.
"""

import json
import re
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import distribution, metadata
from pathlib import Path

from genai_prices.data import providers
from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
)  # fmt: skip

NAMES = {
    "openai": ["openai"],
    "anthropic": ["anthropic"],
    "azure": ["azure-openai", "azure"],
    "google": ["google", "gemini"],
    "cerebras": ["cerebras"],
    "cohere": ["cohere"],
    "deepseek": ["deepseek"],
    "fireworks": ["fireworks", "fireworks-ai"],
    "groq": ["groq"],
    "minimax": ["minimax"],
    "mistral": ["mistral", "mistralai"],
    "moonshotai": ["moonshotai", "moonshot"],
    "openrouter": ["openrouter"],
    "perplexity": ["perplexity"],
    "together": ["together", "together-ai"],
    "voyageai": ["voyageai", "voyage"],
    "x-ai": ["xai", "x-ai"],
    "zai": ["zai", "z-ai"],
}
"""The source's name of a provider, and what packs call it."""

RATES = {
    "input_mtok": "input",
    "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "audio_input",
    "output_mtok": "output",
    "output_audio_mtok": "audio_output",
}
FEES = {"requests_kcount": "per_request", "web_searches_kcount": "web_search"}
IGNORED = {"cache_audio_read_mtok", "storage_searches_kcount"}
"""Cached sound is charged as sound that is not; a call with a file search has no bound anyway."""

TIERS = ("flex", "priority", "fast")
VERSION = re.compile(r"(?<!\d)[1-9]\d?$")
"""The end of a name that a longer number may begin with: `4-1` is not `4-10`. (`4-0` and `4-2025` begin a date.)"""

SEARCHES_ALWAYS = re.compile(r"gpt-[^/]*search")
"""OpenAI's models that search the web in each call, for a fee that no usage tells: left out."""


def main(path: Path, today: date) -> None:
    source = metadata("genai-prices")
    licence = distribution("genai-prices").read_text("licenses/LICENSE")
    path.with_suffix(".LICENSE").write_text(licence, encoding="utf-8")
    head = {
        "source": "genai-prices",
        "version": source["Version"],
        "licence": source["License-Expression"],
        "date": today.isoformat(),
        "unit": "US dollars for a million tokens; per_request and web_search for one",
    }
    tables = [read_provider(provider, today) for provider in providers if provider.id in NAMES]
    path.write_text(render(head, tables), encoding="utf-8")
    print(f"{path}: {sum(len(table['models']) for table in tables)} models of {len(tables)} providers")


def render(head: dict, tables: list[dict]) -> str:
    """JSON with a line for each model, so that a change of one price is a change of one line."""
    lines = ["{", *(f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()), ' "providers": [']
    for index, table in enumerate(tables):
        models = ",\n   ".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in table["models"])
        names, fallback = json.dumps(table["names"]), json.dumps(table["fallback"])
        comma = "," if index < len(tables) - 1 else ""
        lines.append(f'  {{"names": {names}, "fallback": {fallback}, "models": [\n   {models}\n  ]}}{comma}')
    return "\n".join([*lines, " ]", "}", ""])


def read_provider(provider, today: date) -> dict:
    fallback = [NAMES[name][0] for name in provider.fallback_model_providers or () if name in NAMES]
    rows = [row for model in provider.models if (row := read_model(model, today))]
    return {"names": NAMES[provider.id], "fallback": fallback, "models": rows}


def read_model(model: ModelInfo, today: date) -> dict | None:
    candidates = prices_of(model, today)
    units = {unit for price in candidates for unit in units_of(price)}
    if not units or units - RATES.keys() - FEES.keys() - IGNORED or not units & (RATES.keys() | {"requests_kcount"}):
        return None
    steps = steps_of(candidates)
    if steps and any("input" not in rates for _, rates in steps):
        return None
    names = match_of(model.match)
    if not any(names.values()):
        return None
    row: dict = {"id": model.id, **names}
    if model.context_window:
        row["window"] = model.context_window
    for unit, name in FEES.items():
        amounts = [units_of(price)[unit] for price in candidates if unit in units_of(price)]
        if amounts:
            row[name] = number(max(map(dearest, amounts)) / 1000)
    row["steps"] = steps
    tiers = {tier: steps_of([in_tier(price, model, tier, today) for price in candidates]) for tier in TIERS}
    row["tiers"] = {tier: tier_steps for tier, tier_steps in tiers.items() if tier_steps != steps}
    return {key: value for key, value in row.items() if value or key == "steps"}


def prices_of(model: ModelInfo, today: date) -> list[ModelPrice]:
    """The prices that hold at some hour of this day."""
    if isinstance(model.prices, ModelPrice):
        return [model.prices]
    found = []
    for conditional in reversed(model.prices):
        constraint = conditional.constraint
        if isinstance(constraint, StartDateConstraint) and constraint.start_date > today:
            print(f"{model.id}: another price from {constraint.start_date}", file=sys.stderr)
            continue
        found.append(conditional.prices)
        if constraint is None or isinstance(constraint, StartDateConstraint):
            break
    return found


def in_tier(price: ModelPrice, model: ModelInfo, tier: str, today: date) -> ModelPrice:
    """The price in a service tier of OpenAI's and Google's, or in Anthropic's fast mode."""
    changed = ModelPrice(**units_of(price))
    for variant in model.price_variants or ():
        if variant.when not in ({"service_tier": tier}, {"speed": tier}):
            continue
        starts = variant.constraint.start_date if isinstance(variant.constraint, StartDateConstraint) else today
        if starts <= today:
            vars(changed).update(units_of(variant.prices))
    return changed


def steps_of(candidates: list[ModelPrice]) -> list:
    """[[tokens of input above which these hold, rates], ...]; of several prices the dearest."""
    starts = {0}
    for price in candidates:
        for unit, amount in units_of(price).items():
            if unit in RATES and isinstance(amount, TieredPrices):
                starts |= {tier.start for tier in amount.tiers}
    steps = []
    for start in sorted(starts):
        rates: dict = {}
        for unit, name in RATES.items():
            amounts = [at(units_of(price)[unit], start) for price in candidates if unit in units_of(price)]
            if amounts:
                rates[name] = number(max(amounts))
        if rates:
            steps.append([start, rates])
    return steps


def at(amount: Decimal | TieredPrices, start: int) -> Decimal:
    if not isinstance(amount, TieredPrices):
        return amount
    return max([(0, amount.base), *((tier.start, tier.price) for tier in amount.tiers if tier.start <= start)])[1]


def dearest(amount: Decimal | TieredPrices) -> Decimal:
    return max([amount.base, *(tier.price for tier in amount.tiers)]) if isinstance(amount, TieredPrices) else amount


def units_of(price: ModelPrice) -> dict:
    return {unit: amount for unit, amount in vars(price).items() if amount is not None}


def number(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def match_of(clause) -> dict[str, list[str]]:
    """The names that mean a model: whole ones, their begins, ends and middles, and patterns. In lower case."""
    found: dict[str, list[str]] = {}
    for one in clause.or_ if isinstance(clause, ClauseOr) else [clause]:
        if isinstance(one, ClauseEquals):
            if not SEARCHES_ALWAYS.search(one.equals):
                found.setdefault("is", []).append(one.equals.lower())
        elif isinstance(one, ClauseStartsWith):
            if VERSION.search(one.starts_with):
                found.setdefault("like", []).append(pattern_of(one))
            else:
                found.setdefault("begins", []).append(one.starts_with.lower())
        else:
            found.setdefault("like", []).append(pattern_of(one))
    return {kind: list(dict.fromkeys(names)) for kind, names in found.items()}


def pattern_of(clause) -> str:
    if isinstance(clause, ClauseRegex):
        return clause.regex
    if isinstance(clause, ClauseAnd):
        return "^" + "".join(f"(?=.*?(?:{pattern_of(one)}))" for one in clause.and_)
    if isinstance(clause, ClauseOr):
        return "|".join(pattern_of(one) for one in clause.or_)
    if isinstance(clause, ClauseEquals):
        return f"^{re.escape(clause.equals)}$"
    if isinstance(clause, ClauseStartsWith):
        return "^" + begin_of(clause.starts_with)
    if isinstance(clause, ClauseEndsWith):
        return re.escape(clause.ends_with) + "$"
    assert isinstance(clause, ClauseContains)
    return begin_of(clause.contains)


def begin_of(name: str) -> str:
    """A pattern for what begins a name, or stands in it: the whole number, where it ends in that of a version."""
    return re.escape(name) + (r"(?!\d)" if VERSION.search(name) else "")


if __name__ == "__main__":
    main(Path(sys.argv[1]), datetime.now(UTC).date())
