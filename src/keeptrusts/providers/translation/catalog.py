"""Which translations there are: one line each."""

from collections.abc import Mapping
from types import MappingProxyType

from keeptrusts.contract.call import Route
from keeptrusts.providers.translation.translator import Translator

_TRANSLATORS: Mapping[tuple[Route, str], Translator] = MappingProxyType({})


def find_translator(route: Route, target_format: str) -> Translator | None:
    """How a client's call on `route` reaches a target of another format; None where it cannot."""
    return _TRANSLATORS.get((route, target_format))
