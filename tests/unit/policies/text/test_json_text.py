"""Tool arguments: each string is judged by what it says, and the document stays the document it was."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeptrusts.contract.call import Form
from keeptrusts.policies.pii_detector import PiiDetector, PiiDetectorSpec
from keeptrusts.policies.verdict import Allow, Block, Rewrite

POLICY = PiiDetector.compile(PiiDetectorSpec(detect_patterns=("^secret$",), allow_values=("*@b.com",)))
BLOCKING = PiiDetector.compile(PiiDetectorSpec(entities={"card": "block"}))

words = st.lists(
    st.sampled_from(
        [
            "4111",
            " 1111",
            "-1111",
            "1111 ",
            "a",
            "@c.com",
            "@b.com",
            "é",
            "😀",
            '"',
            "\\",
            "\n",
            "/",
            "12",
            "secret",
            "+1 555 123 4567",
        ]
    ),
    max_size=6,
).map("".join)
numbers = st.sampled_from(
    ["1", "4111111111111111", "-4242424242424242", "378282246310005.0", "0.4111111111111111", "1e5", "true", "null"]
)


SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "/": "\\/"}


@st.composite
def strings(draw):
    """A string literal with some of its characters escaped."""
    out = []
    for char in draw(words):
        units = char.encode("utf-16-be")
        if char in SHORT and draw(st.booleans()):
            out.append(SHORT[char])
        elif char in '"\\\n' or draw(st.integers(0, 5)) == 0:
            out += [f"\\u{units[at]:02x}{units[at + 1]:02X}" for at in range(0, len(units), 2)]
        else:
            out.append(char)
    return f'"{"".join(out)}"'


blanks = st.sampled_from(["", " ", "\n  "])
values = st.recursive(
    strings() | numbers,
    lambda inner: (
        st.tuples(st.lists(inner, max_size=3), blanks).map(lambda it: f"[{it[1]}{f',{it[1]}'.join(it[0])}]")
        | st.tuples(st.lists(st.tuples(strings(), inner), max_size=3), blanks).map(
            lambda it: (
                "{" + it[1] + ",".join(f'{key[:-1]}{n}"{it[1]}: {value}' for n, (key, value) in enumerate(it[0])) + "}"
            )
        )
    ),
    max_leaves=6,
)
documents = values.map(lambda value: f'[{value}, "x"]')


class Number(str):
    __slots__ = ()


def load(text):
    return json.loads(text, parse_int=Number, parse_float=Number)


def expected(tree, findings):
    """What judging each string of the tree alone makes of it."""
    if isinstance(tree, dict):
        return {key: expected(value, findings) for key, value in tree.items()}
    if isinstance(tree, list):
        return [expected(value, findings) for value in tree]
    verdict = POLICY.judge(tree, Form.PROSE) if isinstance(tree, str) else None
    if not isinstance(verdict, Rewrite):
        return tree
    for kind, count in verdict.findings.items():
        findings[kind] = findings.get(kind, 0) + count
    return verdict.text


def streamed(policy, pieces):
    channel = policy.open_channel(Form.JSON)
    released = "".join(map(channel.feed, pieces))
    return released + channel.finish(), channel.findings, channel.blocked


def cut(text, places):
    at = sorted({place % (len(text) + 1) for place in places})
    return [text[start:end] for start, end in zip([0, *at], [*at, len(text)], strict=True)]


@settings(max_examples=100, deadline=None)
@given(text=documents, places=st.lists(st.integers(0, 400), max_size=6))
def test_a_document_stays_one_and_its_strings_are_judged(text, places):
    findings = {}
    tree = expected(load(text), findings)
    released, found, blocked = streamed(POLICY, cut(text, places))
    assert (load(released), found, blocked) == (tree, findings, None)
    assert findings or released == text
    assert streamed(POLICY, text) == (released, found, blocked)
    verdict = POLICY.judge(text, Form.JSON)
    assert verdict == (Rewrite(released, "pii_detected", found) if findings else Allow())


@pytest.mark.parametrize("policy", [POLICY, BLOCKING], ids=["redact", "block"])
@settings(max_examples=80, deadline=None)
@given(
    text=documents,
    at=st.integers(0, 300),
    drop=st.integers(0, 3),
    junk=st.sampled_from(["", '"', "\\", "\\u00", "}", "]", "x", "4111 1111 1111 1111", ",", " ", ":"]),
    places=st.lists(st.integers(0, 400), max_size=6),
)
def test_cuts_change_nothing_in_broken_documents_either(policy, text, at, drop, junk, places):
    at %= len(text) + 1
    text = text[:at] + junk + text[at + drop :]
    result = streamed(policy, cut(text, places))
    assert streamed(policy, text) == result
    match policy.judge(text, Form.JSON):
        case Allow():
            assert result == (text, {}, None)
        case Rewrite(changed, _, findings):
            assert result == (changed, findings, None)
        case Block() as block:
            assert result[2] == block


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ('{"a@b.org": "x"}', '{"a@b.org": "x"}'),
        ('{"a": "\\u0061\\u0040b.org"}', '{"a": "[EMAIL]"}'),
        ('{"a": "caf\\u00e9 a@b.org \\/"}', '{"a": "caf\\u00e9 [EMAIL] \\/"}'),
        ('{"a": 4111111111111111 }', '{"a": "[CARD]" }'),
        ('{"a": "b@c.org', '{"a": "[EMAIL]'),
        ('{"a": "b@c.org\\', '{"a": "[EMAIL]\\'),
        ('{"k\\é": "b@c.org"}', '{"k\\é": "[EMAIL]"}'),
        ('{"a": "\\n\ud800 b@c.org\\n"}', '{"a": "\\n\ud800 [EMAIL]\\n"}'),
        ("a@b.org", "[EMAIL]"),
        ("4111 1111 1111 1111", "[CARD]"),
        ('{"a": 4111 1111 1111 1111}', '{"a": [CARD]}'),
        ('{"a": 1} {"b": "c@d.org"}', '{"a": 1} {"b": "[EMAIL]"}'),
        ('{"a": "{\\"b\\": \\"c@d.org\\"}"}', '{"a": "{\\"b\\": \\"[EMAIL]\\"}"}'),
        ("[" * 300 + '"a@b.org"', "[" * 300 + '"[EMAIL]"'),
    ],
)
def test_becomes(text, becomes):
    assert streamed(POLICY, [text])[0] == becomes
    assert streamed(POLICY, text)[0] == becomes


def test_a_marker_is_escaped():
    policy = PiiDetector.compile(PiiDetectorSpec(detect_patterns=('a"b',)))
    released, _, _ = streamed(policy, ['["a\\"b"]'])
    assert json.loads(released) == ["[CUSTOM]"]
    quoting = {"detect_patterns": ["q1"], "redaction": {"custom_markers": {"custom": '"\\\n'}}}
    policy = PiiDetector.compile(msgspec.convert(quoting, PiiDetectorSpec))
    assert json.loads(streamed(policy, ['["q1"]'])[0]) == ['"\\\n']
    assert json.loads(streamed(policy, ['["q1"]'])[0]) == ['"\\\n']


def test_a_block_leaves_what_stood_before():
    assert streamed(BLOCKING, ['{"a": "b@c.org", "d": "pay 4111111111111111 now"}'])[0] == '{"a": "[EMAIL]", "d": "pay '
    assert streamed(BLOCKING, ['{"a": [4111111111111111, 1]}'])[0] == '{"a": ['


def test_memory_stays_bounded_in_a_string_without_end():
    channel = POLICY.open_channel(Form.JSON)
    channel.feed('{"a": "')
    released = sum(len(channel.feed("1\\n4" * 16384)) for _ in range(8))
    assert released > 8 * 65536 - 1024
    assert channel.value is not None
    assert len(channel.value.scan.raw) + len(channel.raw) < 2048
