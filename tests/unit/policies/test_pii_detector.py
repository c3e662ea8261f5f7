import re
from pathlib import Path

import msgspec
import pytest

from keeptrusts.contract.call import Form
from keeptrusts.policies.pii_detector import PiiDetector, PiiDetectorSpec
from keeptrusts.policies.text.problems import InvalidSettingsError
from keeptrusts.policies.text.shapes import ENTITIES
from keeptrusts.policies.verdict import ALLOW, Block, Phase, Rewrite, TextPolicy

DOCS = Path(__file__).parents[3] / "docs" / "policies.md"
CARD = "4111 1111 1111 1111"


def compile_settings(**settings):
    return PiiDetector.compile(msgspec.convert(settings, PiiDetectorSpec))


def texts(policy):
    """What becomes of one value of each of three kinds."""
    verdict = policy.judge(f"a@b.com {CARD} MRN 1234567", Form.PROSE)
    return verdict.text if isinstance(verdict, Rewrite) else verdict


def test_the_defaults():
    policy: TextPolicy = compile_settings()
    assert (policy.kind, policy.unreadable, policy.can_rewrite) == ("pii-detector", "block", True)
    assert policy.phases == {Phase.INPUT, Phase.OUTPUT}
    assert texts(policy) == "[EMAIL] [CARD] MRN 1234567"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"pci_mode": False}, f"[EMAIL] {CARD} MRN 1234567"),
        ({"pci_mode": False, "entities": {"card": "redact"}}, "[EMAIL] [CARD] MRN 1234567"),
        ({"healthcare_mode": True}, "[EMAIL] [CARD] MRN [MRN]"),
        ({"entities": {"email": "off", "mrn": "redact"}}, "a@b.com [CARD] MRN [MRN]"),
    ],
)
def test_modes_and_entities(settings, expected):
    assert texts(compile_settings(**settings)) == expected


def test_actions():
    assert isinstance(texts(compile_settings(action="block")), Block)
    assert isinstance(texts(compile_settings(entities={"card": "block"})), Block)
    assert texts(compile_settings(action="block", entities=dict.fromkeys(ENTITIES, "off"))) is ALLOW
    assert not compile_settings(action="block").can_rewrite
    assert compile_settings(action="block", entities={"email": "redact"}).can_rewrite


def test_phases_and_what_cannot_be_read():
    policy = compile_settings(phases=["output"], unreadable="allow")
    assert policy.phases == {Phase.OUTPUT}
    assert policy.unreadable == "allow"


def test_an_own_kind_can_be_switched_off_and_marked():
    settings = {"detect_patterns": ["abc", {"name": "project", "pattern": "xyz"}]}
    assert compile_settings(**settings).judge("abc xyz", Form.PROSE).text == "[CUSTOM] [PROJECT]"
    off = compile_settings(**settings, entities={"custom": "off"}, redaction={"custom_markers": {"project": "P"}})
    assert off.judge("abc xyz", Form.PROSE).text == "abc P"


def test_all_problems_are_told_at_once():
    with pytest.raises(InvalidSettingsError) as raised:
        compile_settings(
            detect_patterns=["a+", {"name": "email", "pattern": "["}],
            allow_values=["*"],
            entities={"emial": "off"},
            redaction={"custom_markers": {"nothing": "x"}},
        )
    assert [problem.path for problem in raised.value.problems] == [
        "detect_patterns[0]",
        "detect_patterns[1]",
        "allow_values[0]",
        "entities.emial",
        "redaction.custom_markers.nothing",
        "detect_patterns[1].name",
    ]
    assert "email" in raised.value.problems[3].suggestion


def section():
    return DOCS.read_text().split("## `pii-detector`")[1].split("\n## ")[0]


def test_every_kind_and_setting_is_documented():
    for name in [*ENTITIES, *PiiDetectorSpec.__struct_fields__]:
        assert f"`{name}`" in section()


@pytest.mark.parametrize("row", re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|$", section(), re.MULTILINE))
def test_the_examples_of_the_documentation_are_true(row):
    text, becomes = row
    verdict = compile_settings(healthcare_mode=True).judge(text, Form.PROSE)
    assert (verdict.text if isinstance(verdict, Rewrite) else text) == becomes
