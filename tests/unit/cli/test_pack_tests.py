"""Cases beside a pack go through the chain that the gateway runs."""

import json

import pytest

from keeptrusts.cli.init import PACK
from keeptrusts.cli.pack_tests import (
    BadCase,
    Case,
    CaseInput,
    Expected,
    Outcome,
    list_cases,
    make_chain,
    run_case,
    tell_result,
)
from keeptrusts.policies.catalog import load_pack

SOUND = PACK.format(name="team-a")
CHAIN = make_chain(load_pack(SOUND))


def case(content, verdict="allow", **expected):
    messages = [{"role": "user", "content": content}]
    return Case(name="n", input=CaseInput(messages=messages), expected=Expected(verdict=verdict, **expected))


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        ("hello", Outcome("allow", None)),
        ("mail jane.roe@example.com", Outcome("redact", "pii_detected")),
    ],
)
def test_the_worst_verdict_counts(content, outcome):
    assert run_case(case(content), CHAIN) == outcome


def test_a_block_says_why_without_the_text():
    outcome = run_case(case("mail jane.roe@example.com, card 4111 1111 1111 1111"), CHAIN)
    assert (outcome.verdict, outcome.reason_code) == ("block", "pii_detected")
    assert outcome.because
    assert "4111" not in outcome.because


def test_content_that_no_policy_can_read_is_blocked_as_in_the_gateway():
    image = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    assert run_case(case(image), CHAIN).reason_code == "content_not_inspectable"


def test_without_input_policies_everything_passes():
    chain = make_chain(load_pack(SOUND.replace("    - pii-detector\n", "")))
    assert run_case(case("4111 1111 1111 1111"), chain) == Outcome("allow", None)


ROLES = """
pack: {name: team-a, version: 0.1.0}
policies: {chain: [rbac, data-routing-policy]}
policy:
  rbac: {deny_if_missing: [X-Tenant], roles: {student: {allowed_models: [gpt-4o-mini, local]}}}
  data-routing-policy: {require_no_training: true}
providers:
  targets:
    - {id: one, provider: openai, model: gpt-4o-mini, secret_key_ref: {env: A}, data_policy: {training_opt_out: true}}
    - {id: two, provider: ollama, model: local, base_url: "http://127.0.0.1:11434/v1"}
"""


@pytest.mark.parametrize(
    ("model", "headers", "outcome"),
    [
        ("gpt-4o-mini", {"x-user-role": "student", "X-Tenant": "t1"}, ("allow", None)),
        ("gpt-4o-mini", {"x-user-role": "student"}, ("block", "identity_missing")),
        ("gpt-4o", {"x-user-role": "student", "x-tenant": "t1"}, ("block", "model_not_allowed")),
        ("gpt-4o-mini", {"x-tenant": "t1"}, ("block", "model_not_allowed")),
        ("local", {"x-user-role": "student", "x-tenant": "t1"}, ("block", "no_compliant_target")),
    ],
)
def test_who_calls_and_where_it_would_go_are_judged_too(model, headers, outcome):
    call = CaseInput(messages=[{"role": "user", "content": "hello"}], model=model, headers=headers)
    found = run_case(Case(name="n", input=call, expected=Expected(verdict="allow")), make_chain(load_pack(ROLES)))
    assert (found.verdict, found.reason_code) == outcome


def test_a_model_whose_target_may_not_have_it_goes_where_the_fallback_says():
    content = ROLES.replace("providers:\n", "providers:\n  fallback: {across_models: true}\n").replace("[rbac, ", "[")
    call = CaseInput(messages=[{"role": "user", "content": "hello"}], model="local")
    found = run_case(Case(name="n", input=call, expected=Expected(verdict="allow")), make_chain(load_pack(content)))
    assert found == Outcome("allow", None)


def test_a_header_that_no_client_could_send_is_refused():
    call = CaseInput(messages=[{"role": "user", "content": "hello"}], headers={"x-user-id": "\ud800"})
    found = run_case(Case(name="n", input=call, expected=Expected(verdict="allow")), make_chain(load_pack(ROLES)))
    assert (found.verdict, found.reason_code) == ("block", "invalid_request")


def test_a_call_that_is_none_is_a_bad_case():
    too_deep = json.loads("[" * 70 + "]" * 70)
    with pytest.raises(BadCase, match="case 'n'"):
        run_case(case(too_deep), CHAIN)


def test_without_a_reason_code_any_reason_will_do():
    outcome = Outcome("block", "pii_detected")
    assert Expected(verdict="block").is_met_by(outcome)
    assert Expected(verdict="block", reason_code="pii_detected").is_met_by(outcome)
    assert not Expected(verdict="block", reason_code="other").is_met_by(outcome)
    assert not Expected(verdict="redact").is_met_by(outcome)


def test_files_hold_one_case_or_many_and_come_in_order(tmp_path):
    one = {"name": "b", "input": {"messages": []}, "expected": {"verdict": "allow"}}
    (tmp_path / "2.json").write_text(json.dumps(one))
    (tmp_path / "1.json").write_text(
        json.dumps([one | {"name": "a"}, one | {"input": {"messages": [], "headers": {"x": "y"}}}])
    )
    assert [found.name for found in list_cases(tmp_path)] == ["a", "b", "b"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[1]",
        "{}",
        '{"name": "a", "input": {}, "expected": {}}',
        "\\ud800",
        "[" * 100_000,
        b"\xff",
        "[]",
        '{"name": "a", "input": {"messages": []}, "expected": {"verdict": "deny"}}',
        '{"name": "a", "input": {"messages": []}, "expected": {"verdict": "allow"}, "x": 1}',
    ],
    ids=range(11),
)
def test_files_that_hold_no_case_are_named(tmp_path, content):
    (tmp_path / "cases.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadCase):
        list_cases(tmp_path)


def test_a_folder_without_cases_is_told_with_the_way_out(tmp_path):
    with pytest.raises(BadCase, match="kt init"):
        list_cases(tmp_path / "tests")


def test_results_are_told_without_raw_control_characters():
    told = tell_result(
        Case(name="a\x1b[1m", input=CaseInput(messages=[]), expected=Expected(verdict="allow")),
        Outcome("block", "x", "why"),
    )
    assert told == "FAIL  a\\x1b[1m\n      expected: allow\n      got:      block (x)\n      because:  why"
