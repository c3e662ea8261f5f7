"""Parts of events are what the types say."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.policies import WordPolicy
from keeptrusts.contract.events import PolicyOutcome
from keeptrusts.contract.usage import Usage
from keeptrusts.gateway.event_json import boolean, or_null, outcome_json, quoted, tally_json, text_json, usage_json
from keeptrusts.gateway.judging import Tally
from keeptrusts.policies.verdict import Block, Flag, Phase, Rewrite


@given(st.none() | st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_written_as_json(text):
    assert msgspec.json.decode(text_json(text)) == text


@pytest.mark.parametrize(
    ("written", "value"),
    [(quoted("gk_c1"), "gk_c1"), (quoted(None), None), (or_null(7), 7), (or_null(None), None), (boolean(True), True)],
)
def test_words_and_numbers_are_written_as_json(written, value):
    assert msgspec.json.decode(str(written)) == value


def test_a_usage_has_every_count():
    usage = Usage(input_tokens=9, output_tokens=3, web_searches=1, service_tier="flex")
    assert msgspec.json.decode(usage_json(usage)) == msgspec.to_builtins(usage)


@pytest.mark.parametrize(
    "verdict", [None, Flag("seen", {}), Flag("seen", {"a": 1}), Rewrite("", "gone", {"b": 2}), Block("no", "No.")]
)
def test_what_a_policy_said_is_written_alike_whoever_counted_it(verdict):
    tally = Tally(WordPolicy({}, kind="words"), Phase.OUTPUT)
    if verdict is not None:
        tally.add(verdict)
    assert msgspec.json.decode(tally_json(tally), type=PolicyOutcome) == tally.outcome()
    assert outcome_json(tally.outcome()) == tally_json(tally)
