"""Effort in the words of each generation of models."""

import pytest

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.translation.chat_to_messages.thinking import BUDGETS, EFFORTS, MIN_BUDGET, write_effort

NEW = [
    "claude-opus-4-6",
    "claude-sonnet-4-6",
    "anthropic.claude-opus-4-7-v1",
    "claude-sonnet-5",
    "claude-fable-5-1",
    "claude-4.6-opus",
    "claude-opus-5-20260801",
    "claude-mythos-preview",
    "our-own-name",
]
OLD = [
    "claude-haiku-4-5-20251001",
    "claude-sonnet-4-20250514",
    "claude-opus-4-5",
    "claude-3-7-sonnet-20250219",
    "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
    "claude-opus-4-1",
]


@pytest.mark.parametrize("model", NEW)
def test_newer_models_and_names_without_a_version_take_an_effort(model):
    written = write_effort("minimal", model, 4096, continues=True)
    assert written == {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}
    assert write_effort("none", model, 4096, continues=False) == {"thinking": {"type": "disabled"}}


@pytest.mark.parametrize("model", OLD)
def test_earlier_models_take_a_budget_which_is_a_part_of_the_limit(model):
    written = write_effort("medium", model, 10_000, continues=False)
    assert written == {"thinking": {"type": "enabled", "budget_tokens": 5000}}
    assert write_effort("none", model, 4096, continues=False) == {}


@pytest.mark.parametrize("effort", BUDGETS)
@pytest.mark.parametrize("limit", [1025, 2048, 64_000])
def test_every_budget_is_one_that_anthropic_takes(effort, limit):
    budget = write_effort(effort, OLD[0], limit, continues=False)["thinking"]["budget_tokens"]
    assert MIN_BUDGET <= budget < limit


def test_a_limit_that_leaves_no_room_to_think_is_said():
    with pytest.raises(Fault) as raised:
        write_effort("low", OLD[0], MIN_BUDGET, continues=False)
    assert (raised.value.code, raised.value.param) == (Code.INVALID_REQUEST, "reasoning_effort")
    assert "more than 1024 output tokens" in raised.value.message


def test_earlier_models_do_not_think_on_after_results_of_tools():
    assert write_effort("high", OLD[0], 10_000, continues=True) == {}


def test_every_effort_has_both_forms():
    assert EFFORTS.keys() - {"none"} == BUDGETS.keys()
