"""What real providers sent passes a whole gateway byte for byte, in both directions, wherever nothing was found."""

import json
import random

import pytest

from fakes.recordings import Exchange, list_exchanges
from fakes.replay import Reply
from fakes.spoken import events_in, spoken
from fakes.worlds import PII, World, open_world
from keeptrusts.contract.call import Route

pytestmark = [pytest.mark.anyio, pytest.mark.fixtures]

TOOLS = {"server_tools": ["web_search"]}
REFUSED_UNREAD = {"content_not_inspectable", "logprobs_not_inspectable"}
READS_ALL = {"pii-detector": {"unreadable": "allow"}}
OURS_TO_REFUSE = "completion-bad-request"  # a negative max_tokens bounds no cost: it never goes upstream


def pieces_of(body: bytes, cut: str) -> list[bytes]:
    if cut == "whole":
        return [body]
    if cut == "bytes":
        return [body[at : at + 1] for at in range(len(body))]
    chance = random.Random(len(body))
    pieces, at = [], 0
    while at < len(body):
        size = chance.randint(1, 300)
        pieces.append(body[at : at + size])
        at += size
    return pieces


async def exchange_all(world: World, exchanges: list[Exchange], cut: str = "random"):
    """Each exchange with what the client got and the provider saw; the provider answers as recorded."""
    for exchange in exchanges:
        pieces = pieces_of(exchange.reply, cut) if exchange.is_stream else None
        world.replay.replies[:] = [
            Reply(
                body=exchange.reply,
                status=exchange.status,
                content_type=exchange.content_type,
                headers=exchange.headers,
                pieces=pieces,
            )
        ]
        before = world.replay.calls
        answer = await world.ask(exchange.path, exchange.request)
        yield exchange, answer, world.replay.last.body if world.replay.calls > before else None


def expected_upstream(exchange: Exchange) -> bytes:
    """What the client sent; a stream of chat or completions is also asked for its usage."""
    asks = exchange.is_stream and exchange.route in {Route.CHAT, Route.COMPLETIONS}
    if not asks or b"include_usage" in exchange.request:
        return exchange.request
    return exchange.request[: exchange.request.rindex(b"}")] + b',"stream_options":{"include_usage":true}}'


def check_error(exchange: Exchange, body: bytes) -> None:
    """The provider's error says the same; only our request id is more."""
    ours, theirs = json.loads(body)["error"], json.loads(exchange.reply)["error"]
    assert ours.pop("request_id").startswith("req_")
    assert ours == theirs, exchange.name


@pytest.mark.parametrize("cut", ["whole", "random", "bytes"])
async def test_with_an_empty_chain_every_byte_passes_in_both_directions(tmp_path, recorded, cut):
    exchanges = [one for one in list_exchanges(recorded) if cut != "bytes" or one.is_stream]
    async with open_world(tmp_path, Reply(), providers=TOOLS) as world:
        async for exchange, answer, sent in exchange_all(world, exchanges, cut):
            if exchange.name == OURS_TO_REFUSE:
                assert (answer.status, sent) == (400, None)
                continue
            assert answer.is_complete
            assert (exchange.name, answer.status) == (exchange.name, exchange.status)
            assert sent == expected_upstream(exchange), exchange.name
            if exchange.status >= 400:
                check_error(exchange, answer.body)
            else:
                assert answer.body == exchange.reply, exchange.name
                assert answer.headers["content-type"] == exchange.content_type
        assert len(exchanges) > (60 if cut != "bytes" else 8)
        assert {event.decision for event in world.events()} == {"allow"}
        assert len(world.events()) == len(exchanges)


async def test_where_policies_find_nothing_whole_answers_keep_their_bytes_and_streams_their_words(tmp_path, recorded):
    exchanges = list_exchanges(recorded)
    refused = set()
    async with open_world(tmp_path, Reply(), chain=PII, providers=TOOLS) as world:
        async for exchange, answer, sent in exchange_all(world, exchanges):
            if sent is None:
                refused.add(json.loads(answer.body)["error"]["code"])
                continue
            assert sent == expected_upstream(exchange), exchange.name
            assert (exchange.name, answer.status) == (exchange.name, exchange.status)
            if exchange.status >= 400:
                check_error(exchange, answer.body)
            elif exchange.is_stream:
                check_stream(exchange, answer.body)
            else:
                assert answer.body == exchange.reply, exchange.name
    assert refused == {*REFUSED_UNREAD, "invalid_request"}


def check_stream(exchange: Exchange, body: bytes) -> None:
    """A text that is held back leaves a little later: channels, ends and everything that is no text stay."""
    assert spoken(body) == spoken(exchange.reply), exchange.name
    ours, theirs = events_in(body), events_in(exchange.reply)
    assert without_texts(ours[-1]) == without_texts(theirs[-1]), exchange.name
    assert {event.get("type") for event in ours} == {event.get("type") for event in theirs}
    assert len(ours) - len(theirs) in {0, 1}, exchange.name
    assert body.endswith(exchange.reply[-12:]), exchange.name


def without_texts(event: dict) -> dict:
    """An event of completions may end its text and the answer at once."""
    for choice in event.get("choices") or ():
        choice.pop("text", None)
    return event


async def test_content_that_no_policy_reads_passes_where_the_pack_says_so(tmp_path, recorded):
    exchanges = [one for one in list_exchanges(recorded) if one.status == 200 and b'"logprobs": 1' not in one.request]
    exchanges = [one for one in exchanges if "suffix" not in one.name]
    async with open_world(tmp_path, Reply(), chain=PII, policy=READS_ALL, providers=TOOLS) as world:
        async for exchange, answer, sent in exchange_all(world, exchanges):
            assert sent == expected_upstream(exchange), exchange.name
            if not exchange.is_stream:
                assert answer.body == exchange.reply, (exchange.name, answer.body[:300])


async def test_the_event_of_a_call_counts_the_tokens_that_its_provider_reported(tmp_path, recorded):
    exchanges = [one for one in list_exchanges(recorded) if one.status == 200]
    async with open_world(tmp_path, Reply(), providers=TOOLS) as world:
        async for _ in exchange_all(world, exchanges):
            pass
        for exchange, event in zip(exchanges, world.events(), strict=True):
            said = reported_usage(exchange)
            if said is None:
                assert event.usage.estimated, exchange.name
                continue
            counted = (event.usage.input_tokens, event.usage.output_tokens)
            assert (exchange.name, counted) == (exchange.name, said)
            assert not event.usage.estimated


def reported_usage(exchange: Exchange) -> tuple[int, int] | None:
    """Input and output tokens, cached ones among the input, by a reading of our own."""
    trees = events_in(exchange.reply) if exchange.is_stream else [json.loads(exchange.reply)]
    found = None
    for tree in trees:
        usage = tree.get("usage") or (tree.get("response") or tree.get("message") or {}).get("usage")
        usage = usage or (tree.get("x_groq") or {}).get("usage")
        if usage:
            before = usage.get("input_tokens", usage.get("prompt_tokens", 0))
            cached = usage.get("cache_read_input_tokens", 0) + usage.get("cache_creation_input_tokens", 0)
            found = (before + cached, usage.get("output_tokens", usage.get("completion_tokens", 0)))
    return found
