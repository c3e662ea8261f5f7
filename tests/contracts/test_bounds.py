"""Whatever a client writes into a call to make it dearer, it cannot cost more than the bound that it is held at."""

import json

import pytest

from keeptrusts.contract.call import Route
from keeptrusts.contract.usage import Usage
from keeptrusts.providers.anthropic.dialect import ANTHROPIC
from keeptrusts.providers.openai.dialect import OPENAI
from keeptrusts.providers.prices import listed_price

HELLO = [{"role": "user", "content": "Hello!"}]
CHAT = {"model": "gpt-4o-mini", "messages": HELLO, "max_tokens": 100, "service_tier": "default"}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
REMOTE_IMAGE = {"type": "image_url", "image_url": {"url": "https://x.example/i.png"}}
PDF = {"type": "document", "source": {"type": "url", "url": "https://x.example/i.pdf"}}


def chat(*, model="gpt-4o-mini", **changes):
    return OPENAI, Route.CHAT, CHAT | {"model": model} | changes


def completion(**changes):
    body = {"model": "gpt-3.5-turbo-instruct", "prompt": "Hello!", "max_tokens": 100, "service_tier": "default"}
    return OPENAI, Route.COMPLETIONS, body | changes


def response(*, model="gpt-5.5", **changes):
    body = {"model": model, "input": "Hello!", "max_output_tokens": 100, "service_tier": "default"}
    return OPENAI, Route.RESPONSES, body | changes


def message(*, model="claude-haiku-4-5", **changes):
    return ANTHROPIC, Route.MESSAGES, {"model": model, "messages": HELLO, "max_tokens": 100} | changes


def reckon(dialect, route, body):
    """The price of a call's model, and the bound of the call: None where it has none."""
    data = json.dumps(body).encode()
    call = dialect.read_call(route, data, b"application/json")
    _, unreadable = dialect.texts(call)
    price = listed_price(dialect.name, call.model)
    bound = price.worst_case_micros(call, body_bytes=len(data), unreadable=unreadable, max_output_tokens=None)
    return price, bound


DEARER = {
    "n": (chat(), chat(n=50), Usage(output_tokens=5000)),
    "best_of of a server that knows it": (chat(), chat(best_of=50), Usage(output_tokens=5000)),
    "the larger of two limits": (chat(), chat(max_completion_tokens=1, max_tokens=9000), Usage(output_tokens=9000)),
    "no limit at all": (chat(), chat(max_tokens=None), Usage(output_tokens=16_384)),
    "a prediction": (
        chat(), chat(prediction={"type": "content", "content": "x" * 10_000}), Usage(output_tokens=9000),
    ),
    "priority": (
        chat(), chat(service_tier="priority"),
        Usage(input_tokens=4000, output_tokens=100, service_tier="priority"),
    ),
    "a tier that the provider chooses": (
        chat(), chat(service_tier="auto"), Usage(input_tokens=4000, output_tokens=100, service_tier="priority"),
    ),
    "a tier that we do not know": (
        chat(), chat(service_tier="fastest"), Usage(input_tokens=4000, output_tokens=100, service_tier="fast"),
    ),
    "a large image far away": (
        chat(), chat(messages=[{"role": "user", "content": [REMOTE_IMAGE]}]), Usage(input_tokens=48_169),
    ),
    "prompts": (completion(), completion(prompt=["a"] * 50), Usage(output_tokens=5000)),
    "best_of": (completion(), completion(best_of=20), Usage(output_tokens=2000)),
    "an answer of the Responses API": (response(), response(max_output_tokens=5000), Usage(output_tokens=5000)),
    "a conversation at the provider": (
        response(), response(previous_response_id="resp_1"), Usage(input_tokens=1_000_000),
    ),
    "a long input": (
        response(), response(input="é" * 150_000), Usage(input_tokens=300_000, output_tokens=100),
    ),
    "a document far away": (
        message(), message(messages=[{"role": "user", "content": [PDF]}]), Usage(input_tokens=200_000),
    ),
    "the fast mode": (
        message(model="claude-opus-5"), message(model="claude-opus-5", speed="fast"),
        Usage(input_tokens=4000, output_tokens=100, service_tier="fast"),
    ),
    "web searches": (
        message(), message(tools=[SEARCH | {"max_uses": 5}]),
        Usage(input_tokens=1_200_000, output_tokens=100, web_searches=5),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DEARER)
def test_each_way_to_make_a_call_dearer_raises_its_bound_above_what_it_costs(case):
    plain, dear, charged = DEARER[case]
    price, bound = reckon(*dear)
    assert reckon(*plain)[1] < bound
    assert price.cost_micros(charged) <= bound


def test_what_a_call_writes_to_the_cache_for_an_hour_is_within_its_bound():
    kept = [{"type": "text", "text": "x" * 50_000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    price, bound = reckon(*message(system=kept))
    usage = Usage(input_tokens=50_000, cache_write_tokens=50_000, cache_write_1h_tokens=50_000, output_tokens=100)
    assert price.cost_micros(usage) <= bound


def test_token_numbers_are_no_longer_than_their_bytes():
    price, bound = reckon(*completion(prompt=[5] * 10_000))
    assert price.cost_micros(Usage(input_tokens=10_000, output_tokens=100)) <= bound


@pytest.mark.parametrize(
    "call",
    [
        message(tools=[SEARCH]),
        message(tools=[SEARCH | {"max_uses": 5}, {"type": "code_execution_20250825", "name": "code_execution"}]),
        message(tools=[SEARCH | {"max_uses": 5}], mcp_servers=[{"type": "url", "url": "https://x.example"}]),
        message(tools=[SEARCH | {"max_uses": "5"}]),
        response(tools=[{"type": "web_search"}], max_tool_calls=5),
        chat(web_search_options={}),
        (OPENAI, Route.CHAT, CHAT | {"model": "text-embedding-3-small"}),
    ],
)
def test_a_call_whose_cost_nobody_can_bound_has_no_bound(call):
    assert reckon(*call)[1] is None


def test_a_tool_of_the_client_is_none_of_the_providers():
    tools = [{"name": "look", "input_schema": {"type": "object"}}]
    assert reckon(*message(tools=tools))[1] is not None
