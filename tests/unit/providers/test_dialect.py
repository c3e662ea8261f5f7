"""The protocols of the dialects hold for every dialect and stream reader that there is."""

import inspect
from contextlib import suppress

import pytest

from keeptrusts.contract.call import Route
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.catalog import DIALECTS, dialect_of
from keeptrusts.providers.dialect import Dialect, StreamReader


def methods(protocol):
    return [name for name, member in vars(protocol).items() if inspect.isfunction(member) and not name.startswith("_")]


def parameters(function):
    return [
        (name, parameter.kind) for name, parameter in inspect.signature(function).parameters.items() if name != "self"
    ]


def readers():
    """One of each route that has streams; the others say so with a fault."""
    for route in Route:
        with suppress(Fault):
            yield pytest.param(dialect_of(route).open_stream(route, strip_usage=True), id=route)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize("method", methods(Dialect))
def test_a_dialect_takes_what_the_protocol_says(dialect, method):
    assert parameters(getattr(type(dialect), method)) == parameters(getattr(Dialect, method))


def test_dialects_are_found_by_their_own_names():
    assert {name: dialect.name for name, dialect in DIALECTS.items()} == {"openai": "openai", "anthropic": "anthropic"}


@pytest.mark.parametrize("reader", list(readers()))
def test_a_stream_reader_takes_what_the_protocol_says_and_begins_unfinished(reader):
    for method in methods(StreamReader):
        assert parameters(getattr(type(reader), method)) == parameters(getattr(StreamReader, method))
    assert (reader.usage, reader.is_complete, reader.failure) == (None, False, None)


@pytest.mark.parametrize("reader", list(readers()))
def test_a_stream_can_fail_before_its_first_event_in_whole_events(reader):
    events = reader.fail(Code.OUTPUT_BLOCKED, "stopped by\n\na policy", "req_1").split(b"\n\n")
    assert events.pop() == b""
    assert all(event.startswith((b"data: ", b"event: ")) for event in events)
    assert b"a policy" in events[-1]
