"""Which dialect a route speaks, in one list."""

from typing import Literal

from keeptrusts.contract.call import Route
from keeptrusts.providers.anthropic.dialect import ANTHROPIC
from keeptrusts.providers.dialect import Dialect
from keeptrusts.providers.openai.dialect import OPENAI

DIALECTS: dict[Literal["openai", "anthropic"], Dialect] = {"openai": OPENAI, "anthropic": ANTHROPIC}

_ANTHROPIC_ROUTES = frozenset({Route.MESSAGES, Route.COUNT_TOKENS})


def dialect_of(route: Route) -> Dialect:
    """The dialect of the clients that call this route."""
    return ANTHROPIC if route in _ANTHROPIC_ROUTES else OPENAI
