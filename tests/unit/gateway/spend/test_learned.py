"""What calls used so far bounds those to come: with a margin, for a while, and never above the strict bound."""

import pytest

from fakes.records import make_call
from keeptrusts.contract.usage import Usage
from keeptrusts.gateway.spend.learned import MAX_MODELS, MIN_CALLS, WINDOW, LearnedBounds
from keeptrusts.providers.pricing import HIDDEN_TOKENS

CALL = make_call(max_output_tokens=5000)  # of 400 bytes
USED = Usage(input_tokens=100, output_tokens=50)


def taught(*usages, times=MIN_CALLS, call=CALL):
    bounds = LearnedBounds()
    for usage in usages:
        for _ in range(times):
            bounds.learn("main", call, usage)
    return bounds


def tokens(bounds, call=CALL, body_bytes=4000):
    narrow, narrow_bytes = bounds.narrow("main", call, body_bytes)
    return narrow_bytes + HIDDEN_TOKENS, narrow.max_output_tokens


def test_input_is_bounded_by_tokens_per_byte_and_output_by_the_longest_answer_each_with_a_margin():
    assert tokens(taught(USED)) == (1250, 100)
    assert tokens(taught(USED, Usage(input_tokens=200, output_tokens=7))) == (2500, 100)


def test_a_bound_is_never_above_the_strict_one():
    assert tokens(taught(Usage(input_tokens=4000, output_tokens=9000))) == (4000 + HIDDEN_TOKENS, 5000)


def test_several_answers_of_a_call_count_each():
    call = make_call(choices=4)
    assert tokens(taught(USED, call=call), call)[1] == 26


@pytest.mark.parametrize(
    "bounds",
    [
        LearnedBounds(),
        taught(USED, times=MIN_CALLS - 1),
        taught(Usage(input_tokens=100, output_tokens=5, estimated=True)),
        taught(Usage(output_tokens=5)),
    ],
    ids=["nothing", "too few calls", "only estimates", "no input"],
)
def test_until_enough_is_known_bounds_are_strict(bounds):
    assert bounds.narrow("main", CALL, 4000) == (CALL, 4000)


def test_another_target_and_another_model_are_learnt_apart():
    bounds = taught(USED)
    assert bounds.narrow("other", CALL, 4000) == (CALL, 4000)
    other = make_call(model="large")
    assert bounds.narrow("main", other, 4000) == (other, 4000)


def test_a_prediction_is_bounded_strictly():
    call = make_call(tree={"prediction": {}})
    assert taught(USED).narrow("main", call, 4000) == (call, 4000)


def test_what_was_learned_is_forgotten_after_two_windows():
    bounds = taught(Usage(input_tokens=400, output_tokens=900), times=1)
    for _ in range(WINDOW):
        bounds.learn("main", CALL, USED)
    assert tokens(bounds)[1] == 1800
    for _ in range(WINDOW):
        bounds.learn("main", CALL, USED)
    assert tokens(bounds)[1] == 100


def test_any_number_of_models_takes_bounded_memory():
    bounds = LearnedBounds()
    for number in range(MAX_MODELS + 5):
        bounds.learn("main", make_call(model=f"m{number}"), USED)
    assert len(bounds._windows) <= MAX_MODELS
