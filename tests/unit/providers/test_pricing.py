"""What a call costs, and that it never costs more than its bound."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.contract.call import Call, Route, Unreadable
from keeptrusts.contract.usage import Usage
from keeptrusts.providers.pricing import HIDDEN_TOKENS, IMAGE_TOKENS, PICOS_PER_MICRO, Price, Rates

SMALL = Rates(
    input=150_000, cached_input=75_000, cache_write=187_500, cache_write_1h=300_000, audio_input=150_000,
    output=600_000, audio_output=600_000,
)  # fmt: skip


def times(rates, factor):
    return Rates(**{name: value * factor for name, value in msgspec.structs.asdict(rates).items()})


FLAT = Price(steps=((0, SMALL),))
LONG = Price(steps=((0, SMALL), (272_000, times(SMALL, 2))))
TIERED = Price(steps=((0, SMALL),), tiers={"flex": ((0, SMALL),), "priority": ((0, times(SMALL, 3)),)})

counts = st.integers(0, 10**7)
rates = st.builds(Rates, **dict.fromkeys(Rates.__struct_fields__, st.integers(0, 10**9)))
steps = st.builds(
    lambda first, later: ((0, first), *sorted(later, key=lambda step: step[0])),
    rates,
    st.lists(st.tuples(st.integers(1, 10**6), rates), max_size=2),
)
prices = st.builds(
    Price,
    steps=steps,
    tiers=st.dictionaries(st.sampled_from(["flex", "priority", "fast"]), steps, max_size=2),
    per_request=st.integers(0, 10**12),
    web_search=st.integers(0, 10**11),
    context_window=st.integers(1, 10**6),
)


def make_call(route=Route.CHAT, **changes):
    given = {"route": route, "body": b"", "content_type": b"application/json", "tree": {}, "model": "small"}
    return Call(**given | {"max_output_tokens": 100} | changes)


def bound(price, call=None, *, body_bytes=1000, unreadable=(), max_output_tokens=None):
    return price.worst_case_micros(
        call or make_call(), body_bytes=body_bytes, unreadable=unreadable, max_output_tokens=max_output_tokens
    )


@pytest.mark.parametrize(
    ("usage", "micros"),
    [
        (Usage(input_tokens=1_000_000), 150_000),
        (Usage(input_tokens=1_000_000, cached_input_tokens=1_000_000), 75_000),
        (Usage(input_tokens=1_000_000, cached_input_tokens=400_000), 90_000 + 30_000),
        (Usage(input_tokens=1_000_000, cache_write_tokens=1_000_000), 187_500),
        (Usage(input_tokens=1_000_000, cache_write_tokens=1_000_000, cache_write_1h_tokens=400_000), 112_500 + 120_000),
        (Usage(output_tokens=1_000_000), 600_000),
        (Usage(input_tokens=120, output_tokens=28), 35),  # 34.8
        (Usage(input_tokens=1), 1),
        (Usage(), 0),
    ],
)
def test_a_call_costs_exactly_its_tokens_rounded_up_once(usage, micros):
    assert FLAT.cost_micros(usage) == micros


def test_sound_is_charged_at_its_own_rate_and_not_as_text_once_more():
    spoken = Price(steps=((0, msgspec.structs.replace(SMALL, audio_input=10_000_000, audio_output=20_000_000)),))
    usage = Usage(input_tokens=3_000_000, audio_input_tokens=1_000_000, output_tokens=1_000_000,
                  audio_output_tokens=500_000)  # fmt: skip
    assert spoken.cost_micros(usage) == 2 * 150_000 + 10_000_000 + 300_000 + 10_000_000


def test_a_request_and_each_web_search_have_their_fee():
    price = Price(per_request=5_000 * PICOS_PER_MICRO, web_search=10_000 * PICOS_PER_MICRO)
    assert price.cost_micros(Usage()) == 5_000
    assert price.cost_micros(Usage(web_searches=3)) == 35_000


def test_a_long_input_is_charged_at_its_own_step_and_whole():
    assert LONG.cost_micros(Usage(input_tokens=272_000)) == 40_800
    assert LONG.cost_micros(Usage(input_tokens=272_001, output_tokens=1000)) == 81_601 + 1_200


def test_the_tier_that_the_provider_says_it_served_is_charged():
    assert TIERED.cost_micros(Usage(input_tokens=1_000_000, service_tier="priority")) == 450_000
    assert TIERED.cost_micros(Usage(input_tokens=1_000_000, service_tier="fast")) == 150_000


@given(prices, counts, counts, counts)
def test_more_tokens_never_cost_less(price, read, written, more):
    price = msgspec.structs.replace(price, steps=price.steps[:1])
    cost = price.cost_micros(Usage(input_tokens=read, output_tokens=written))
    assert type(cost) is int
    assert price.cost_micros(Usage(input_tokens=read + more, output_tokens=written)) >= cost
    assert price.cost_micros(Usage(input_tokens=read, output_tokens=written + more)) >= cost


@given(rates, counts, counts, counts, counts)
def test_two_calls_cost_together_what_one_of_their_size_does_within_a_rounding(rates, read, written, more, spoken):
    price = Price(steps=((0, rates),))
    apart = price.cost_micros(Usage(input_tokens=read, output_tokens=written))
    apart += price.cost_micros(Usage(input_tokens=more, output_tokens=spoken))
    together = price.cost_micros(Usage(input_tokens=read + more, output_tokens=written + spoken))
    assert together <= apart <= together + 1


@given(st.data())
def test_nothing_that_a_provider_may_charge_for_exceeds_the_bound(data):
    price = data.draw(prices)
    asked = data.draw(st.sampled_from([None, "standard", "flex", "priority", "fast"]))
    call = make_call(
        choices=data.draw(st.integers(1, 5)), max_output_tokens=data.draw(st.integers(0, 10**5)), service_tier=asked
    )
    body_bytes = data.draw(st.integers(2, 10**6))
    read = data.draw(st.integers(0, body_bytes + HIDDEN_TOKENS))
    cached = data.draw(st.integers(0, read))
    cache_write = data.draw(st.integers(0, read - cached))
    spoken = data.draw(st.integers(0, read - cached - cache_write))
    written = data.draw(st.integers(0, call.choices * call.max_output_tokens))
    served = data.draw(st.sampled_from(["standard", asked] if asked else ["standard", *price.tiers]))
    usage = Usage(
        input_tokens=read, cached_input_tokens=cached, cache_write_tokens=cache_write, audio_input_tokens=spoken,
        cache_write_1h_tokens=data.draw(st.integers(0, cache_write)), output_tokens=written,
        audio_output_tokens=data.draw(st.integers(0, written)), service_tier=served,
    )  # fmt: skip
    assert price.cost_micros(usage) <= bound(price, call, body_bytes=body_bytes)


@pytest.mark.parametrize(
    ("price", "plain", "dear", "charged"),
    [
        (FLAT, {}, {"choices": 5}, Usage(output_tokens=500)),
        (FLAT, {}, {"max_output_tokens": 5000}, Usage(output_tokens=5000)),
        (FLAT, {}, {"tree": {"prediction": {}}}, Usage(output_tokens=1100)),
        (TIERED, {"service_tier": "standard"}, {"service_tier": "priority"},
         Usage(input_tokens=5000, output_tokens=100, service_tier="priority")),
        (TIERED, {"service_tier": "flex"}, {},
         Usage(input_tokens=5000, output_tokens=100, service_tier="priority")),
    ],
)  # fmt: skip
def test_each_parameter_that_makes_a_call_dearer_raises_its_bound(price, plain, dear, charged):
    assert price.cost_micros(charged) <= bound(price, make_call(**dear))
    assert bound(price, make_call(**plain)) < bound(price, make_call(**dear))


def test_what_is_written_to_the_cache_is_in_the_bound():
    read = 1000 + HIDDEN_TOKENS
    dear = Usage(input_tokens=read, cache_write_tokens=read, cache_write_1h_tokens=read)
    assert FLAT.cost_micros(Usage(input_tokens=read)) < FLAT.cost_micros(dear)
    assert FLAT.cost_micros(dear) <= bound(FLAT, make_call(max_output_tokens=0))


def test_a_body_that_may_reach_a_dearer_step_is_held_at_it():
    call = make_call(max_output_tokens=0)
    assert bound(LONG, call, body_bytes=200_000) == bound(FLAT, call, body_bytes=200_000)
    assert bound(LONG, call, body_bytes=300_000) == 2 * bound(FLAT, call, body_bytes=300_000)


def test_an_image_counts_for_more_than_any_provider_takes():
    images = [Unreadable((), kind) for kind in ("image", "image_url", "input_image")]
    call = make_call(max_output_tokens=0)
    assert bound(FLAT, call, unreadable=images) == bound(FLAT, call, body_bytes=1000 + 3 * IMAGE_TOKENS)


def test_sound_and_token_numbers_are_no_longer_than_their_bytes():
    parts = [Unreadable((), kind) for kind in ("tokens", "audio", "input_audio")]
    assert bound(FLAT, unreadable=parts) == bound(FLAT)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [({"provider_state": (("previous_response_id",),)}, ()), ({}, [Unreadable((), "document")]),
     ({}, [Unreadable((), "input_file")]), ({}, [Unreadable((), "unknown")])],
)  # fmt: skip
def test_what_does_not_lie_in_the_body_is_bounded_by_the_context_window_alone(changes, parts):
    call = make_call(max_output_tokens=0, **changes)
    assert bound(FLAT, call, unreadable=parts) is None
    known = msgspec.structs.replace(FLAT, context_window=128_000)
    assert bound(known, call, unreadable=parts) == 128_000 * 300_000 // PICOS_PER_MICRO


def test_each_use_of_a_tool_at_the_provider_is_a_further_turn_and_a_fee():
    price = msgspec.structs.replace(FLAT, context_window=100_000, web_search=10_000 * PICOS_PER_MICRO)
    call = make_call(max_output_tokens=0, server_tools=("web_search",), tool_uses=2)
    assert bound(price, call) == 3 * 100_000 * 300_000 // PICOS_PER_MICRO + 20_000
    assert bound(price, make_call(server_tools=("web_search",))) is None
    assert bound(msgspec.structs.replace(price, web_search=None), call) is None


def test_an_answer_without_any_limit_has_no_bound():
    call = make_call(max_output_tokens=None)
    assert bound(FLAT, call) is None
    assert bound(FLAT, call, max_output_tokens=100) == bound(FLAT)
    known = msgspec.structs.replace(FLAT, context_window=100)
    assert bound(known, call) == bound(FLAT)


def test_the_calls_own_limit_counts_and_not_the_targets():
    assert bound(FLAT, make_call(max_output_tokens=100), max_output_tokens=5) == bound(FLAT)


EMBEDDINGS = Price(steps=((0, msgspec.structs.replace(SMALL, output=None, audio_output=0)),))


def test_a_price_covers_the_routes_that_it_is_given_for():
    assert {route for route in Route if FLAT.covers(route)} == {
        Route.CHAT, Route.COMPLETIONS, Route.RESPONSES, Route.MESSAGES,
        Route.EMBEDDINGS, Route.MODERATIONS, Route.COUNT_TOKENS,
    }  # fmt: skip
    assert {route for route in Route if EMBEDDINGS.covers(route)} == {
        Route.EMBEDDINGS, Route.MODERATIONS, Route.COUNT_TOKENS,
    }  # fmt: skip
    assert all(Price(per_request=1).covers(route) for route in Route)


def test_a_call_that_no_price_covers_has_no_bound():
    assert bound(FLAT, make_call(Route.SPEECH)) is None
    assert bound(EMBEDDINGS) is None
    assert bound(Price(per_request=7), make_call(Route.SPEECH)) == 1


def test_counting_tokens_is_free():
    assert bound(FLAT, make_call(Route.COUNT_TOKENS)) == 0


def test_reading_alone_writes_nothing():
    call = make_call(Route.EMBEDDINGS, max_output_tokens=None)
    assert bound(EMBEDDINGS, call) == -(-(1000 + HIDDEN_TOKENS) * 300_000 // PICOS_PER_MICRO)


@given(rates, st.builds(Usage, **dict.fromkeys(
    ("input_tokens", "cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens", "audio_input_tokens",
     "output_tokens", "audio_output_tokens"), counts)))  # fmt: skip
def test_counts_that_overlap_charge_no_token_twice(charged, usage):
    most = usage.input_tokens * charged.dearest_input() + usage.output_tokens * charged.dearest_output()
    assert charged.cost(usage) <= most
