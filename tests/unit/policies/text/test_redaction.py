"""Golden cases: settings (if not the default), text, what becomes of it, and what was found, apart by ten dashes.

Among the settings, `kind` names the policy and `form` says how the text is read.
"""

import json
from pathlib import Path

import msgspec
import pytest

from keeptrusts.contract.call import Form
from keeptrusts.policies.catalog import CATALOG
from keeptrusts.policies.pii_detector import PiiDetector, PiiDetectorSpec
from keeptrusts.policies.verdict import ALLOW, Block, Rewrite

CASES = Path(__file__).parents[3] / "golden" / "redaction"


def read_case(path):
    parts = path.read_text().rstrip("\n").split("\n----------\n")
    settings = json.loads(parts.pop(0)) if len(parts) == 4 else {}
    form = Form(settings.pop("form", "prose"))
    kind = CATALOG[settings.pop("kind", "pii-detector")]
    text, expected, findings = parts
    return kind.compile(msgspec.convert(settings, kind.spec)), form, text, expected, json.loads(findings)


@pytest.mark.parametrize("case", sorted(CASES.glob("*.case")), ids=lambda path: path.stem)
def test_whole(case):
    policy, form, text, expected, findings = read_case(case)
    assert policy.judge(text, form) == (Rewrite(expected, policy.reason_code, findings) if findings else ALLOW)


@pytest.mark.parametrize("case", sorted(CASES.glob("*.case")), ids=lambda path: path.stem)
def test_character_by_character(case):
    policy, form, text, expected, findings = read_case(case)
    channel = policy.open_channel(form)
    assert "".join(map(channel.feed, text)) + channel.finish() == expected
    assert channel.findings == findings


@pytest.mark.parametrize("case", sorted(CASES.glob("*.case")), ids=lambda path: path.stem)
def test_what_was_redacted_is_not_found_again(case):
    policy, form, _, expected, _ = read_case(case)
    assert policy.judge(expected, form) == ALLOW


def test_a_blocked_kind_ends_the_text_before_the_value():
    policy = PiiDetector.compile(PiiDetectorSpec(entities={"card": "block"}))
    channel = policy.open_channel(Form.PROSE)
    assert channel.feed("a@b.com pays with 4111 1111 1111 1111, ok? ") + channel.feed("more") == "[EMAIL] pays with "
    assert channel.finish() == ""
    block = channel.blocked
    assert block is not None
    assert (block.reason_code, block.findings) == ("pii_detected", {"email": 1, "card": 1})
    assert policy.judge("a@b.com pays with 4111 1111 1111 1111, ok? more", Form.PROSE) == block


def test_a_block_never_quotes_the_text():
    block = PiiDetector.compile(PiiDetectorSpec(action="block")).judge("mail anna@example.com", Form.PROSE)
    assert isinstance(block, Block)
    assert "anna" not in block.message
    assert "email" in block.message


@pytest.mark.parametrize("form", list(Form))
def test_more_findings_than_anybody_needs_are_a_block(form):
    text = "a@b.co " * 10_001
    block = PiiDetector.compile(PiiDetectorSpec()).judge(f'["{text}"]' if form is Form.JSON else text, form)
    assert isinstance(block, Block)
    assert "10,000" in block.message


def test_escapes_hide_nothing():
    policy = PiiDetector.compile(PiiDetectorSpec())
    verdict = policy.judge(r'{"a": "\u0061\u0040b.com 4111\u00201111 1111 1111"}', Form.JSON)
    assert verdict == Rewrite('{"a": "[EMAIL] [CARD]"}', "pii_detected", {"email": 1, "card": 1})


def test_an_anchored_pattern_sees_each_string_of_a_document_alone():
    policy = PiiDetector.compile(PiiDetectorSpec(detect_patterns=("^secret$",)))
    assert policy.judge('["secret", "no secret"]', Form.JSON) == Rewrite(
        '["[CUSTOM]", "no secret"]', "pii_detected", {"custom": 1}
    )
    assert policy.judge("no secret", Form.PROSE) == ALLOW
