"""Credentials as their makers write them are found, wherever they stand and however the text is cut."""

import random

import pytest
import re2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fakes.credentials import TEMPLATES, make_credential
from keeptrusts.contract.call import Form
from keeptrusts.policies.dlp_filter import DlpFilter, DlpFilterSpec
from keeptrusts.policies.text.credentials import CREDENTIALS
from keeptrusts.policies.text.scan import MAX_BODY
from keeptrusts.policies.text.shapes import OWN
from keeptrusts.policies.verdict import Block, Rewrite

POLICY = DlpFilter.compile(DlpFilterSpec())
BLOCKING = DlpFilter.compile(DlpFilterSpec(action="block", blocked_terms=("falcon",)))
BY_THEMSELVES = sorted({*TEMPLATES, "private_key", "keeptrusts"} - {"hex", "random", "password", "base64"})
PEM = make_credential("private_key", random.Random(1))
OWN_KEY = make_credential("keeptrusts", random.Random(1))
PARTS = """
ghp_|AKIA|Q7|sk-|ant-api03-|eyJ|.|a1B2c3D4e5F6g7H8|Bearer |password=|: |//|postgres|u:|@|db|=|"|'| |falcon|é|A|!
-----BEGIN |RSA |PRIVATE KEY|-----|-----END |MIGHAgEAMBMGByqGSM49AgEGCCqGSM49A|Proc-Type: |\\n
"""
FRAGMENTS = [
    *PARTS.replace("\n", "|").split("|"),
    "\n",
    *(make_credential(name, random.Random(2)) for name in ("github", "aws", "jwt", "slack", "keeptrusts")),
    PEM,
]
near_misses = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)


def test_every_shape_bears_the_name_of_its_kind_and_is_a_pattern():
    for kind, shapes in CREDENTIALS.items():
        assert {shape.kind for shape in shapes} == {kind}
        assert all(re2.compile(shape.pattern).groups == shape.in_context for shape in shapes)
        assert all(shape.family != OWN for shape in shapes)


@pytest.mark.parametrize("name", BY_THEMSELVES)
@pytest.mark.parametrize("around", ["{}", "key: {}, ok?", '"{}"', "ключ={}\n", "({})"])
def test_a_credential_is_found_by_itself(name, around):
    chance = random.Random(name)
    for _ in range(20):
        credential = make_credential(name, chance)
        verdict = POLICY.judge(around.format(credential), Form.PROSE)
        assert isinstance(verdict, Rewrite), credential
        assert credential[-12:] not in verdict.text
        assert sum(verdict.findings.values()) == 1


def test_an_own_key_with_a_typing_error_is_none():
    assert isinstance(POLICY.judge(f"use {OWN_KEY}", Form.PROSE), Rewrite)
    assert not isinstance(POLICY.judge(f"use {OWN_KEY[:-1]}#", Form.PROSE), Rewrite)


def outcome(policy, pieces, form):
    channel = policy.open_channel(form)
    released = "".join(map(channel.feed, pieces))
    return released + channel.finish(), channel.findings, channel.blocked


def cut(text, places):
    at = sorted({place % (len(text) + 1) for place in places})
    return [text[start:end] for start, end in zip([0, *at], [*at, len(text)], strict=True)]


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("policy", [POLICY, BLOCKING], ids=["redact", "block"])
@settings(max_examples=60, deadline=None)
@given(text=near_misses, places=st.lists(st.integers(0, 4000), max_size=8))
@example(text=PEM + "\nrest", places=[40, 900])
@example(text=PEM + PEM, places=[1700, 1750])
@example(text="-----BEGIN PRIVATE KEY-----" + "A" * 40 + "-----END -----END PRIVATE KEY-----x", places=[80])
def test_cuts_change_nothing(policy, form, text, places):
    text = '{"a": "' + text if form is Form.JSON else text
    expected = outcome(policy, [text], form)
    assert outcome(policy, cut(text, places), form) == expected
    assert outcome(policy, text, form) == expected
    match policy.judge(text, form):
        case Block() as block:
            assert expected[2] == block
        case Rewrite(changed, _, findings):
            assert expected == (changed, findings, None)
        case _:
            assert expected == (text, {}, None)


def test_what_follows_a_private_key_without_an_end_goes_only_so_far():
    begin = "-----BEGIN PRIVATE KEY-----\n"
    text = begin + "A" * (MAX_BODY + 5000)
    released, _, _ = outcome(POLICY, [text[at : at + 1000] for at in range(0, len(text), 1000)], Form.PROSE)
    assert released == "[PRIVATE_KEY]" + "A" * (5000 - 16)


@pytest.mark.parametrize(
    "body", ["A" * 16, "MC4CAQAwBQYDK2Vw", "MC4C\nAQAw", "MC4CAQ==", ("A" * 16 + "\n") * 9 + "A", "A" * 31]
)
def test_a_private_key_goes_from_its_begin_to_its_end_however_short_it_is(body):
    text = f"a -----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY----- z"
    for pieces in ([text], list(text)):
        assert outcome(POLICY, pieces, Form.PROSE)[0] == "a [PRIVATE_KEY] z"


def test_a_long_text_without_a_blank_is_not_held_for_long():
    channel = POLICY.open_channel(Form.PROSE)
    released = sum(len(channel.feed("QUJD" * 256)) for _ in range(64))
    assert released > 65536 - 2048
