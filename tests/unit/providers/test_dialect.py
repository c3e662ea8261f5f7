"""The protocols have the members that their implementations have: a type checker sees it, and so does this."""

import inspect

import pytest

from keeptrusts.contract.call import Route
from keeptrusts.providers.catalog import DIALECTS, dialect_of
from keeptrusts.providers.dialect import Dialect, StreamReader

STREAMED = [Route.CHAT, Route.COMPLETIONS, Route.RESPONSES, Route.MESSAGES, Route.SPEECH, Route.TRANSCRIPTIONS]


def methods(protocol: type) -> list[str]:
    return [name for name, member in vars(protocol).items() if inspect.isfunction(member) and not name.startswith("_")]


@pytest.mark.parametrize("name", methods(Dialect))
@pytest.mark.parametrize("dialect", list(DIALECTS.values()), ids=list(DIALECTS))
def test_dialects_take_what_the_protocol_names(dialect, name):
    promised = list(inspect.signature(getattr(Dialect, name)).parameters)[1:]
    assert list(inspect.signature(getattr(dialect, name)).parameters) == promised


@pytest.mark.parametrize("route", STREAMED)
def test_readers_begin_with_nothing_known(route):
    reader = dialect_of(route).open_stream(route, strip_usage=True)
    assert (reader.usage, reader.is_complete, reader.failure) == (None, False, None)
    for name in methods(StreamReader):
        promised = list(inspect.signature(getattr(StreamReader, name)).parameters)[1:]
        assert list(inspect.signature(getattr(reader, name)).parameters) == promised
