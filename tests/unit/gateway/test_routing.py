"""Which target serves a call."""

import pytest

from fakes.packs import make_pack as pack_of
from fakes.packs import make_snapshot
from fakes.packs import make_target as target_of
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.routing import choose_target, list_models


def targets(*specs):
    return make_snapshot(pack_of(*specs)).targets


def chosen(specs, model, dialect="openai"):
    return choose_target(targets(*specs), model, dialect).id


def refused(specs, model, dialect="openai"):
    with pytest.raises(Fault) as raised:
        choose_target(targets(*specs), model, dialect)
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


def test_a_target_of_another_format_is_passed_over():
    assert chosen([CLAUDE, target_of(id="proxy", model="claude-haiku-4-5")], "claude-haiku-4-5") == "proxy"
    assert chosen([CLAUDE], "claude-haiku-4-5", "anthropic") == "claude"


def test_a_model_that_nobody_offers_is_answered_with_the_nearest_name_and_all_others():
    fault = refused([BIG, SMALL, CLAUDE], "gpt-4o-nini")
    assert (fault.code, fault.param) == (Code.MODEL_NOT_FOUND, "model")
    assert "Did you mean 'gpt-4o-mini'?" in fault.message
    assert "This key may use: gpt-4o, large, gpt-4o-mini, claude-haiku-4-5." in fault.message


def test_nothing_is_suggested_where_nothing_is_near():
    assert "Did you mean" not in refused([BIG], "zzz").message


def test_a_long_list_is_cut():
    many = [target_of(id=f"t{n}", model=f"model-{n}") for n in range(50)]
    assert refused(many, "x").message.count("model-") == 20


def test_a_route_that_the_models_target_does_not_speak_says_which_it_does():
    fault = refused([CLAUDE], "claude-haiku-4-5")
    assert (fault.code, fault.param) == (Code.ROUTE_NOT_SUPPORTED_BY_TARGET, "model")
    assert "anthropic's format" in fault.message


def test_a_target_whose_secret_is_missing_is_named_and_the_secret_is_not():
    fault = refused([KEYLESS], "lonely")
    assert fault.code is Code.TARGET_UNAVAILABLE
    assert "keyless" in fault.message
    assert "NOT_SET" not in fault.message


def test_models_are_listed_once_in_the_packs_order_and_without_patterns():
    listed = list_models(targets(BIG, target_of(id="second", model="gpt-4o"), SMALL, ANY, CLAUDE))
    assert listed == ["gpt-4o", "large", "gpt-4o-mini", "claude-haiku-4-5"]
