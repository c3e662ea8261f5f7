"""Estimates of what a call used whose provider never said it to the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.records import make_call
from keeptrusts.contract.usage import Usage
from keeptrusts.gateway.estimate import estimate_input, estimate_usage

CALL = make_call(body=b"x" * 400)


def test_four_bytes_of_a_call_are_a_token():
    assert estimate_input(CALL) == Usage(input_tokens=100, estimated=True)


def test_a_call_is_taken_to_be_served_as_it_asked():
    assert estimate_input(make_call(service_tier="priority")).service_tier == "priority"


@pytest.mark.parametrize(
    ("pieces", "answer_bytes", "tokens"), [(0, 0, 0), (12, 12 * 250, 12), (2, 2 * 400 + 4000, 1002), (0, 500, 25)]
)
def test_each_piece_is_a_token_and_a_large_one_is_more(pieces, answer_bytes, tokens):
    assert estimate_usage(CALL, None, pieces, answer_bytes) == Usage(
        input_tokens=100, output_tokens=tokens, estimated=True
    )


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 10**6))
def test_what_a_provider_counted_before_an_answer_broke_off_is_kept(counted, pieces, answer_bytes):
    said = Usage(input_tokens=7, cached_input_tokens=5, cache_write_tokens=1, output_tokens=counted)
    usage = estimate_usage(CALL, said, pieces, answer_bytes)
    assert (usage.input_tokens, usage.cached_input_tokens, usage.cache_write_tokens) == (7, 5, 1)
    assert usage.output_tokens >= max(counted, pieces)
    assert usage.estimated
