"""Which target serves a call."""

import pytest

from fakes.packs import make_pack as pack_of
from fakes.packs import make_snapshot
from fakes.packs import make_target as target_of
from fakes.records import make_call
from keeptrusts.config.targets import CircuitBreaker
from keeptrusts.contract.call import Route
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.routing import MAX_KNOWN_MODELS, is_offered, list_models

NOW = 1000.0


def router_of(*specs, **providers):
    return make_snapshot(pack_of(*specs, providers=providers)).router


def planned(router, model, dialect="openai", **call):
    legs = router.plan(make_call(model=model, **call), dialect, NOW)
    return [leg.target.id for leg in legs]


def chosen(specs, model, dialect="openai", **call):
    return planned(router_of(*specs), model, dialect, **call)[0]


def refused(specs, model, dialect="openai", **call):
    with pytest.raises(Fault) as raised:
        planned(router_of(*specs), model, dialect, **call)
    return raised.value


BIG = target_of(id="big", model="gpt-4o", aliases=["large"])
SMALL = target_of(id="small", model="gpt-4o-mini", aliases=["gpt-4o-m*"])
CLAUDE = target_of(id="claude", provider="anthropic", model="claude-haiku-4-5")
KEYLESS = target_of(id="keyless", model="gpt-4o", aliases=["lonely"], secret_key_ref={"env": "NOT_SET"})
ANY = target_of(id="any", model="*")


def test_the_first_listed_target_that_answers_is_taken():
    assert chosen([BIG, SMALL, ANY], "gpt-4o") == "big"
    assert chosen([BIG, SMALL, ANY], "large") == "big"
    assert chosen([BIG, SMALL, ANY], "gpt-4o-mimi") == "small"
    assert chosen([BIG, SMALL, ANY], "o9") == "any"


def test_a_target_without_its_credential_is_passed_over():
    assert chosen([KEYLESS, BIG], "gpt-4o") == "big"


def test_a_target_of_another_format_is_given_what_can_be_translated():
    proxy = target_of(id="proxy", model="claude-haiku-4-5")
    assert chosen([CLAUDE, proxy], "claude-haiku-4-5") == "claude"
    assert chosen([CLAUDE, proxy], "claude-haiku-4-5", route=Route.EMBEDDINGS) == "proxy"
    assert chosen([CLAUDE], "claude-haiku-4-5", "anthropic", route=Route.MESSAGES) == "claude"


def test_a_target_of_any_model_is_given_calls_of_another_format_only_where_nobody_else_can_take_them():
    any_claude = target_of(id="any-claude", provider="anthropic", model="*")
    assert planned(router_of(any_claude, ANY), "o9") == ["any"]
    assert planned(router_of(any_claude, KEYLESS), "o9") == ["any-claude"]


def test_what_cannot_be_carried_to_another_format_is_named():
    fault = refused([CLAUDE], "claude-haiku-4-5", tree={"messages": [], "logprobs": True}, asks_logprobs=True)
    assert (fault.code, fault.param) == (Code.ROUTE_NOT_SUPPORTED_BY_TARGET, "logprobs")
    assert "(no equal; `false` is taken)" in fault.message


@pytest.mark.parametrize(
    ("member", "why"),
    [
        ({"temperature": 1.5}, "refused above 1"),
        ({"n": 2}, "Anthropic gives one answer to a call"),
        ({"response_format": {"type": "json_object"}}, "`json_object`: no equal"),
    ],
)
def test_a_value_that_cannot_be_carried_says_why(member, why):
    assert why in refused([CLAUDE], "claude-haiku-4-5", tree={"messages": [], **member}).message


def test_a_model_that_nobody_offers_is_answered_with_the_nearest_name_and_all_others():
    fault = refused([BIG, SMALL, CLAUDE], "gpt-4o-nini")
    assert (fault.code, fault.param) == (Code.MODEL_NOT_FOUND, "model")
    assert "Did you mean 'gpt-4o-mini'?" in fault.message
    assert "Offered here are: gpt-4o, large, gpt-4o-mini, claude-haiku-4-5." in fault.message


def test_names_that_only_a_pattern_serves_are_told_as_patterns():
    assert "Names are also served that match: gpt-4o-m*." in refused([BIG, SMALL], "zzz").message


def test_a_name_that_a_pattern_serves_is_offered():
    targets = make_snapshot(pack_of(BIG, SMALL)).targets
    for name, offered in (("gpt-4o-mimi", True), ("large", True), ("zzz", False), ("gpt-4o-m*", False), ("", False)):
        assert is_offered(name, targets, lambda _: True) is offered
    assert not is_offered("large", targets, lambda _: False)


def test_nothing_is_suggested_where_nothing_is_near():
    assert "Did you mean" not in refused([BIG], "zzz").message


def test_a_long_list_is_cut():
    many = [target_of(id=f"t{n}", model=f"model-{n}") for n in range(50)]
    assert refused(many, "x").message.count("model-") == 20


def test_a_route_that_the_models_target_does_not_speak_says_which_it_does():
    fault = refused([CLAUDE], "claude-haiku-4-5", route=Route.EMBEDDINGS)
    assert (fault.code, fault.param) == (Code.ROUTE_NOT_SUPPORTED_BY_TARGET, "model")
    assert "anthropic's format" in fault.message
    assert fault.message.endswith("cannot answer embeddings: ask for another model.")


def test_a_target_whose_secret_is_missing_is_named_and_the_secret_is_not():
    fault = refused([KEYLESS], "lonely")
    assert fault.code is Code.TARGET_UNAVAILABLE
    assert "keyless" in fault.message
    assert "NOT_SET" not in fault.message


def test_models_are_listed_once_in_the_packs_order_and_without_patterns():
    content = pack_of(BIG, target_of(id="second", model="gpt-4o"), SMALL, ANY, CLAUDE)
    listed = list_models(make_snapshot(content).targets)
    assert listed == ["gpt-4o", "large", "gpt-4o-mini", "claude-haiku-4-5"]


# Whose turn it is.

TWINS = [target_of(id=name, model="gpt-4o", weight=weight) for name, weight in (("a", 3), ("b", 1), ("c", 0))]
OTHER = target_of(id="other", model="gpt-4o-mini")


def firsts(router, times, **call):
    return "".join(planned(router, "gpt-4o", **call)[0] for _ in range(times))


def test_listed_order_is_the_default_and_all_that_offer_the_model_follow():
    router = router_of(*TWINS, OTHER)
    assert [planned(router, "gpt-4o") for _ in range(2)] == [["a", "b", "c"]] * 2


def test_each_in_turn_whatever_else_is_asked_between():
    router = router_of(*TWINS, OTHER, routing={"strategy": "round_robin"})
    turns = []
    for _ in range(6):
        turns.append(planned(router, "gpt-4o"))
        planned(router, "gpt-4o-mini")
    assert turns == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]] * 2


def test_by_weight_the_turns_are_spread_and_nobody_without_weight_has_one():
    router = router_of(*TWINS, routing={"strategy": "weighted"})
    assert firsts(router, 8) == "aabaaaba"
    assert planned(router, "gpt-4o")[1:] == ["b", "c"]


def test_without_any_weight_the_listed_order_stands():
    router = router_of(*[target | {"weight": 0} for target in TWINS], routing={"strategy": "weighted"})
    assert firsts(router, 3) == "aaa"


def test_a_turn_is_only_for_who_can_take_the_call():
    router = router_of(TWINS[0], KEYLESS, TWINS[1], routing={"strategy": "round_robin"})
    assert firsts(router, 4) == "abab"


def test_a_call_that_names_an_object_at_the_provider_goes_where_it_lives_or_nowhere():
    router = router_of(*TWINS, OTHER, routing={"strategy": "round_robin"}, fallback={})
    for _ in range(3):
        assert planned(router, "gpt-4o", provider_state=(("previous_response_id",),)) == ["a"]


# Who follows.


def test_with_fallback_the_others_follow_with_their_own_models():
    router = router_of(OTHER, ANY, TWINS[0], CLAUDE, fallback={})
    assert planned(router, "gpt-4o") == ["any", "a", "other", "claude"]
    assert planned(router_of(OTHER, TWINS[0], fallback={"across_models": False}), "gpt-4o") == ["a"]


@pytest.mark.parametrize("route", [Route.EMBEDDINGS, Route.RESPONSES, Route.MODERATIONS])
def test_another_model_answers_no_call_whose_answer_would_be_worthless(route):
    router = router_of(TWINS[0], OTHER, fallback={})
    assert planned(router, "gpt-4o", route=route) == ["a"]


def test_no_more_than_so_many_attempts_follow():
    router = router_of(*TWINS, OTHER, fallback={"max_fallback_attempts": 1})
    assert planned(router, "gpt-4o") == ["a", "b"]


def test_what_leaves_a_target_for_the_next_is_the_packs_to_say():
    assert router_of(BIG).triggers == {"unreachable"}
    assert router_of(BIG, fallback={"triggers": ["timeout"]}).triggers == {"unreachable", "timeout"}


def test_who_asked_for_a_rest_comes_last_until_it_is_over():
    router = router_of(*TWINS)
    router.plan(make_call(model="gpt-4o"), "openai", NOW)[0].target.counters.rests_until = NOW + 5
    assert planned(router, "gpt-4o") == ["b", "c", "a"]
    assert [leg.target.id for leg in router.plan(make_call(model="gpt-4o"), "openai", NOW + 5)] == ["a", "b", "c"]


def test_who_failed_too_often_is_left_alone_and_the_last_one_tells_how_long():
    router = router_of(TWINS[0], TWINS[1], circuit_breaker={"failure_threshold": 1, "cooldown_seconds": 30})
    for target in [leg.target for leg in router.plan(make_call(model="gpt-4o"), "openai", NOW)]:
        assert target.id in planned(router, "gpt-4o")
        breaker, rule = target.counters.breaker, CircuitBreaker(failure_threshold=1, cooldown_seconds=30)
        breaker.end(rule, NOW - 9.5, is_probe=breaker.begin(rule), succeeded=False)
    with pytest.raises(Fault) as refused:
        planned(router, "gpt-4o")
    assert (refused.value.code, refused.value.retry_after_s) == (Code.BREAKER_OPEN, 21)


def test_of_several_reasons_the_nearest_to_success_is_told():
    assert refused([CLAUDE | {"model": "gpt-4o"}, KEYLESS], "gpt-4o", route=Route.EMBEDDINGS).code is (
        Code.TARGET_UNAVAILABLE
    )


def test_any_number_of_names_may_be_asked_for_and_few_are_remembered():
    router = router_of(ANY)
    for number in range(MAX_KNOWN_MODELS + 5):
        assert planned(router, f"model-{number}") == ["any"]
    assert len(router._known) <= MAX_KNOWN_MODELS
    assert len(router._groups) == 1
