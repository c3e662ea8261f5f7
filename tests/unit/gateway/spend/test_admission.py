"""The most that a call may cost over the targets that it may try."""

import pytest

from fakes.packs import make_pack, make_snapshot, make_target
from fakes.records import make_call
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.usage import Usage
from keeptrusts.gateway.routing import Leg
from keeptrusts.gateway.spend.admission import bound_plan
from keeptrusts.gateway.spend.learned import MIN_CALLS, LearnedBounds
from keeptrusts.providers.pricing import HIDDEN_TOKENS

CHEAP = {"input_per_mtok_usd": 1, "output_per_mtok_usd": 2}
DEAR = {"input_per_mtok_usd": 10, "output_per_mtok_usd": 20}
CALL = make_call(max_output_tokens=1000)  # of 400 bytes
MOST_READ = 400 + HIDDEN_TOKENS


def plan(*prices):
    targets = [make_target(id=f"t{index}", model=f"own-{index}", price=price) for index, price in enumerate(prices)]
    return [Leg(target) for target in make_snapshot(make_pack(*targets)).targets]


def test_each_target_that_may_be_tried_counts_in_full():
    legs, micros = bound_plan(plan(CHEAP, DEAR), CALL, {}, [])
    assert [leg.target.id for leg in legs] == ["t0", "t1"]
    assert micros == MOST_READ * 11 + 1000 * 22
    assert bound_plan(plan(DEAR), CALL, {}, [])[1] == MOST_READ * 10 + 1000 * 20


def test_what_policies_put_into_the_body_counts_too():
    _, micros = bound_plan(plan(CHEAP), CALL, {("a",): "x" * 50, ("b",): "é"}, [])
    assert micros == (MOST_READ + 52) * 1 + 1000 * 2


def test_a_target_whose_cost_has_no_bound_is_not_tried():
    legs, micros = bound_plan(plan(None, CHEAP), CALL, {}, [])
    assert ([leg.target.id for leg in legs], micros) == (["t1"], MOST_READ + 2000)


@pytest.mark.parametrize(
    ("prices", "call", "told"),
    [((None,), CALL, "no price"), ((CHEAP,), make_call(), "max_tokens")],
)
def test_where_no_target_can_be_bounded_the_call_is_refused_with_the_way_out(prices, call, told):
    with pytest.raises(Fault, match=told) as refused:
        bound_plan(plan(*prices), call, {}, [])
    assert (refused.value.code, refused.value.policy) == (Code.MODEL_NOT_PRICED, "spend-limit")


def test_what_was_learned_lowers_the_bound():
    learned = LearnedBounds()
    for _ in range(MIN_CALLS):
        learned.learn("t0", CALL, Usage(input_tokens=100, output_tokens=50))
    _, micros = bound_plan(plan(CHEAP), CALL, {}, [], learned)
    assert micros == 125 * 1 + 100 * 2
    assert bound_plan(plan(CHEAP, DEAR), CALL, {}, [], learned)[1] == MOST_READ * 10 + 1000 * 20 + micros
