"""Settings of `dlp-filter`, and what they do."""

import re
from pathlib import Path

import msgspec
import pytest

from keeptrusts.contract.call import Form
from keeptrusts.policies.dlp_filter import DlpFilter, DlpFilterSpec
from keeptrusts.policies.text.credentials import CREDENTIALS
from keeptrusts.policies.text.problems import InvalidSettingsError
from keeptrusts.policies.verdict import ALLOW, Block, Phase, Rewrite, TextPolicy

DOCS = Path(__file__).parents[3] / "docs" / "policies.md"
LEAK = "postgres://app:n0t-a-word@db/x for Falcon, ACC-12345"


def compile_settings(**settings):
    return DlpFilter.compile(msgspec.convert(settings, DlpFilterSpec))


def test_the_defaults():
    policy: TextPolicy = compile_settings()
    assert (policy.kind, policy.unreadable, policy.can_rewrite, policy.roles) == ("dlp-filter", "block", True, None)
    assert policy.phases == {Phase.INPUT, Phase.OUTPUT}
    assert policy.judge(LEAK, Form.PROSE).text == "postgres://app:[URL_PASSWORD]@db/x for Falcon, ACC-12345"
    assert policy.judge("nothing here", Form.PROSE) is ALLOW


def test_own_patterns_and_terms():
    policy = compile_settings(detect_patterns=["ACC-[0-9]{5}"], blocked_terms=["falcon"])
    assert policy.judge(LEAK, Form.PROSE) == Rewrite(
        "postgres://app:[URL_PASSWORD]@db/x for [TERM], [CUSTOM]",
        "sensitive_data",
        {"url_password": 1, "term": 1, "custom": 1},
    )


@pytest.mark.parametrize("text", [LEAK[:40], "on Falcon", "ACC-12345"])
def test_a_block_names_the_kind_and_quotes_nothing(text):
    policy = compile_settings(action="block", detect_patterns=["ACC-[0-9]{5}"], blocked_terms=["falcon"])
    block = policy.judge(text, Form.PROSE)
    assert isinstance(block, Block)
    assert (block.reason_code, sum(block.findings.values())) == ("sensitive_data", 1)
    assert not policy.can_rewrite
    assert text not in block.message


def test_all_problems_are_told_at_once():
    with pytest.raises(InvalidSettingsError) as raised:
        compile_settings(detect_patterns=["a+", "ok"], blocked_terms=["fine", "!!"])
    assert [problem.path for problem in raised.value.problems] == ["detect_patterns[0]", "blocked_terms[1]"]


@pytest.mark.parametrize(
    "written",
    [{"action": "flag"}, {"detect_patterns": [""]}, {"detect_patterns": ["a" * 1025]}, {"blocked_terms": ["a"] * 1001}],
)
def test_what_is_out_of_bounds_is_refused(written):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(written, DlpFilterSpec)


def section():
    return DOCS.read_text().split("## `dlp-filter`")[1].split("\n## ")[0]


def test_every_kind_and_setting_is_documented():
    for name in [*CREDENTIALS, *DlpFilterSpec.__struct_fields__]:
        assert f"`{name}`" in section()


@pytest.mark.parametrize("row", re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|$", section(), re.MULTILINE))
def test_the_examples_of_the_documentation_are_true(row):
    text, becomes = row
    verdict = compile_settings(blocked_terms=["Project Falcon"]).judge(text, Form.PROSE)
    assert (verdict.text if isinstance(verdict, Rewrite) else text) == becomes
