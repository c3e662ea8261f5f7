"""Every route has a dialect that reads it."""

import pytest

from keeptrusts.contract.call import Route
from keeptrusts.contract.faults import Fault
from keeptrusts.providers.catalog import DIALECTS, dialect_of


@pytest.mark.parametrize("route", list(Route))
def test_every_route_is_read_by_its_dialect(route):
    dialect = dialect_of(route)
    assert dialect is DIALECTS[dialect.name]
    assert dialect.name == ("anthropic" if route.value.startswith("messages") else "openai")
    with pytest.raises(Fault):
        dialect.read_call(route, b"", b"")
    with pytest.raises(KeyError):
        DIALECTS["openai" if dialect.name == "anthropic" else "anthropic"].read_call(route, b"{}", b"application/json")
