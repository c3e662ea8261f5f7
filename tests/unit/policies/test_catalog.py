"""The list of policies, and the judge that knows it."""

import json
import os
import subprocess
import sys

import msgspec
import pytest

from keeptrusts.config.pack import Pack
from keeptrusts.config.problems import InvalidPack
from keeptrusts.policies import verdict
from keeptrusts.policies.audit_logger import AuditLoggerSpec
from keeptrusts.policies.catalog import CATALOG, compile_chain, judge_pack, load_pack, pack_schema
from keeptrusts.policies.data_routing import DataRouting
from keeptrusts.policies.dlp_filter import DlpFilter
from keeptrusts.policies.pii_detector import PiiDetector
from keeptrusts.policies.prompt_injection import PromptInjection
from keeptrusts.policies.rbac import Rbac
from keeptrusts.policies.spend_limit import SpendLimit

PER_TEAM = """\
# team-alpha/policy-config.yaml
pack:
  name: team-alpha-prod
  version: 0.1.0
  enabled: true
  description: "Team Alpha production gateway"
policies:
  chain:
    - pii-detector
    - audit-logger
policy:
  pii-detector:
    action: redact
  audit-logger:
    retention_days: 365
providers:
  targets:
    - id: openai-primary
      provider: openai
      model: gpt-4o-mini
      base_url: https://api.openai.com
      secret_key_ref:
        env: TEAM_ALPHA_OPENAI_KEY
"""

PER_ENVIRONMENT = """\
# team-alpha/prod/policy-config.yaml
pack:
  name: team-alpha-prod
  version: 0.1.0
  enabled: true
policies:
  chain:
    - spend-limit
    - audit-logger
policy:
  spend-limit:
    max_daily_usd: 500
  audit-logger:
    retention_days: 365
providers:
  targets:
    - id: openai-primary
      provider: openai
      model: gpt-4o-mini
      base_url: https://api.openai.com
      secret_key_ref:
        store: OPENAI_API_KEY
"""


def test_a_teams_pack_is_accepted_and_compiled_in_the_chains_order():
    judged = judge_pack(PER_TEAM)
    assert judged.problems == judged.warnings == ()
    detector, audit = compile_chain(judged.accepted())
    assert isinstance(detector, PiiDetector)
    assert audit == AuditLoggerSpec(retention_days=365, immutable=True, log_all_access=True)


def test_a_pack_for_the_control_plane_is_of_the_language_and_waits_only_for_support():
    problems = judge_pack(PER_ENVIRONMENT).problems
    assert [(problem.code, problem.path) for problem in problems] == [
        ("E008", "providers.targets[0].secret_key_ref.store"),
    ]


def test_every_kind_has_a_spec_that_explains_itself():
    for name, kind in CATALOG.items():
        assert kind.name == name
        assert f"`{name}`" in (kind.spec.__doc__ or "")
        assert kind.summary
        assert set(kind.phases) <= set(verdict.Phase)


def test_a_kind_that_can_run_compiles_its_own_defaults():
    settings = {"spend-limit": {"max_daily_usd": 1}}
    compiled = {
        name: kind.compile(msgspec.convert(settings.get(name, {}), kind.spec))
        for name, kind in CATALOG.items()
        if kind.compile is not None
    }
    assert {name: type(policy) for name, policy in compiled.items()} == {
        "prompt-injection": PromptInjection,
        "pii-detector": PiiDetector,
        "rbac": Rbac,
        "data-routing-policy": DataRouting,
        "dlp-filter": DlpFilter,
        "spend-limit": SpendLimit,
        "audit-logger": AuditLoggerSpec,
    }


def test_phases_of_the_list_are_those_of_the_policy():
    detector = PiiDetector.compile(msgspec.convert({}, CATALOG["pii-detector"].spec))
    assert {phase.value for phase in detector.phases} == set(CATALOG["pii-detector"].phases)


def test_what_a_policy_cannot_compile_is_a_problem_with_its_line():
    text = PER_TEAM.replace("action: redact", "action: redact\n    detect_patterns: ['[0-9]{4}', 'a+']")
    (problem,) = judge_pack(text).problems
    assert (problem.code, problem.path, problem.line) == ("E004", "policy.pii-detector.detect_patterns[1]", 14)


def test_a_refused_pack_is_an_exception_for_those_who_load_it():
    with pytest.raises(InvalidPack):
        load_pack(PER_TEAM.replace("pii-detector", "pii-detectr"))
    assert isinstance(load_pack(PER_TEAM.encode()), Pack)


def test_a_chain_that_was_never_judged_is_refused_with_every_problem():
    pack = load_pack(PER_TEAM)
    chain = msgspec.structs.replace(pack.policies, chain=("pii-detector", "never", "nope"))
    settings = {"pii-detector": {"action": "nope"}}
    with pytest.raises(InvalidPack) as refused:
        compile_chain(msgspec.structs.replace(pack, policies=chain, policy=settings))
    assert [problem.path for problem in refused.value.problems] == [
        "policy.pii-detector.action",
        "policies.chain",
        "policies.chain",
    ]


def test_the_schema_has_every_kind():
    settings = pack_schema()["$defs"]["Pack"]["properties"]["policy"]["properties"]
    assert list(settings) == list(CATALOG)


def test_the_schema_is_the_same_in_every_process():
    program = "import json; from keeptrusts.policies.catalog import pack_schema; print(json.dumps(pack_schema()))"
    runs = {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert runs == {json.dumps(pack_schema()) + "\n"}


def test_every_problem_of_a_policy_is_told_at_once():
    text = """
pack: {name: a, version: 0.1}
policies: {chain: [pii-detector, spend-limit]}
policy:
  pii-detector:
    acton: redact
    detect_patterns: [{name: BAD!, pattern: x}, "[unclosed"]
    entities: {card: false, phone: no, "BAD!": off}
  spend-limit: {max_daily_usd: -5, timezone: Berlin}
providers:
  targets: []
"""
    problems = {problem.path: problem for problem in judge_pack(text).problems if problem.path.startswith("policy.")}
    assert list(problems) == [
        "policy.pii-detector.acton",
        "policy.pii-detector.detect_patterns[0].name",
        "policy.pii-detector.detect_patterns[1]",
        "policy.pii-detector.entities.card",
        "policy.pii-detector.entities.phone",
        "policy.spend-limit.max_daily_usd",
        "policy.spend-limit.timezone",
    ]
    card = problems["policy.pii-detector.entities.card"]
    assert (card.line, card.column, card.suggestion) == (8, 22, 'write "off"')
