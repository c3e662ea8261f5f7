"""What real providers said that calls used is what we count, whole and streamed, and it has a price."""

import msgspec
import pytest

from fakes.recordings import list_exchanges
from keeptrusts.contract.call import Route
from keeptrusts.providers.catalog import dialect_of
from keeptrusts.providers.prices import listed_price
from keeptrusts.providers.sse import SseSplitter

pytestmark = pytest.mark.fixtures


def raw_usages(value):
    """Every `usage` object of a decoded answer, in its order."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "usage" and isinstance(inner, dict):
                yield inner
            else:
                yield from raw_usages(inner)


def events_of(exchange):
    for line in exchange.reply.split(b"\n"):
        if line.startswith(b"data: {"):
            yield msgspec.json.decode(line[6:])


def read_usage(exchange, *, watched=True):
    dialect = dialect_of(exchange.route)
    if not exchange.is_stream:
        reply = dialect.read_reply(
            exchange.route, exchange.reply, exchange.content_type.encode(), with_texts=not watched
        )
        return reply.usage
    reader, splitter = dialect.open_stream(exchange.route, strip_usage=False), SseSplitter()
    events = [*splitter.feed(exchange.reply), splitter.finish()]
    for event in events:
        if event:
            (reader.watch if watched else reader.read)(event)
    return reader.usage


def test_what_was_recorded_is_counted(recorded):
    counted = 0
    for exchange in list_exchanges(recorded):
        trees = list(events_of(exchange)) if exchange.is_stream else []
        if not exchange.is_stream and exchange.reply.startswith(b"{"):
            trees = [msgspec.json.decode(exchange.reply)]
        usages = [usage for tree in trees for usage in raw_usages(tree)]
        read = read_usage(exchange)
        assert read == read_usage(exchange, watched=False), exchange.name
        if not usages or exchange.status != 200:
            continue
        last = {key: count for usage in usages for key, count in usage.items() if type(count) is int}
        counted += 1
        assert read.output_tokens == last.get("completion_tokens", last.get("output_tokens", 0)), exchange.name
        cached = last.get("cache_read_input_tokens", 0) + last.get("cache_creation_input_tokens", 0)
        assert read.input_tokens == last.get("prompt_tokens", last.get("input_tokens", 0)) + cached, exchange.name
    assert counted > 20


def test_what_was_recorded_has_a_price(recorded):
    for exchange in list_exchanges(recorded):
        if exchange.route in {Route.CHAT, Route.RESPONSES, Route.EMBEDDINGS} and exchange.name.startswith("openai"):
            price = listed_price("openai", msgspec.json.decode(exchange.request).get("model", ""))
            usage = read_usage(exchange)
            assert usage is None or price is None or price.cost_micros(usage) > 0, exchange.name
