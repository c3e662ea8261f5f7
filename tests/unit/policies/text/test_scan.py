"""However a text is cut, the same is found in it."""

import pytest
import re2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keeptrusts.contract.call import Form
from keeptrusts.policies.pii_detector import OwnPattern, PiiDetector, PiiDetectorSpec, RedactionSpec
from keeptrusts.policies.text import scan
from keeptrusts.policies.text.own_patterns import own_shape
from keeptrusts.policies.text.shapes import ENTITIES, HEALTHCARE_KINDS
from keeptrusts.policies.verdict import Allow, Block, Rewrite

FRAGMENTS = """
4111|1111|4242|5500 0000 0000 0004|-| |1|12|@|a.b|a@b.com|.|com|.uk|+49|+1|30|1234567|DE89|3704 0044|0532 0130 00
555-123|-4567|(555)|123-45-6789|ssn: |MRN |NPI |1234567893|é|😀|\u2011|\u00a0|192.168|1.1|::|2001:db8|fe80:|:1|x
ACC-|proj|ect|_|y|ab|a1|b2|member id |XYZ123456|\ud800|卡|0171|/|GB82WEST1234|5698765432|png|2x|git@|0.|45320151128
""".strip().replace("\n", "|")
near_misses = st.lists(st.sampled_from([*FRAGMENTS.split("|"), "\n"]), max_size=24).map("".join)

OWN = (
    "ACC-[0-9]{4,8}",
    r"(?i)proj(?:ect)?[ _-]{1,3}[a-z]{2,9}\b",
    r"\bx.{0,5}y\b|^a1|b2$",
    r"(?m:^ab{1,3}$)",
    r"[^ -~]{2,4}\b",
    "a",
)
POLICIES = [
    PiiDetector.compile(PiiDetectorSpec(healthcare_mode=True)),
    PiiDetector.compile(
        PiiDetectorSpec(
            detect_patterns=(OWN[0], OwnPattern(name="project", pattern=OWN[1]), *OWN[2:]),
            redaction=RedactionSpec(marker_format="partial", preserve_length=True),
        )
    ),
    PiiDetector.compile(PiiDetectorSpec(entities={"card": "block", "iban": "off"}, allow_values=("*@b.com", "4242*"))),
    PiiDetector.compile(PiiDetectorSpec(action="block", entities={"email": "redact", "phone": "redact"})),
]


SHAPES = [
    [shape for shapes in ENTITIES.values() for shape in shapes],
    [shape for kind in ENTITIES if kind not in HEALTHCARE_KINDS for shape in ENTITIES[kind]]
    + [own_shape("custom", OWN[0]), own_shape("project", OWN[1]), *(own_shape("custom", text) for text in OWN[2:])],
]


def whole(policy, text):
    channel = policy.open_channel(Form.PROSE)
    return channel.release(text.encode("utf-8", "surrogatepass"), final=True), channel.findings, channel.blocked


def streamed(policy, pieces):
    channel = policy.open_channel(Form.PROSE)
    released = "".join(map(channel.feed, pieces))
    return released + channel.finish(), channel.findings, channel.blocked


def plainly(policy, text):
    """What is found in a whole text, by the definition and without any of what makes it fast."""
    data = text.encode("utf-8", "surrogatepass")
    out, place = b"", 0
    findings = {}
    while place < len(data):
        best = None
        for shape in SHAPES[POLICIES.index(policy)]:
            found = re2.compile(shape.pattern).match(data, place)
            if found is None:
                continue
            start, end = found.span(1) if shape.in_context else found.span()
            end = shape.check(data, start, end) if shape.check else end
            if end > 0 and (best is None or best[0] is None or end > best[2]):
                best = shape.kind, start, end
            elif end < 0 and best is None:
                best = None, place, -end
        if best is None:
            out += data[place : place + 1]
            place += 1
            continue
        kind, start, end = best
        value = data[start:end].decode("utf-8", "surrogatepass")
        is_allowed = policy.rules.is_allowed
        if kind is None or (is_allowed and is_allowed(value)):
            out += data[place:end]
        else:
            findings[kind] = findings.get(kind, 0) + 1
            out += data[place:start] + policy.rules.marker(kind, value).encode("utf-8", "surrogatepass")
        place = end
    return out.decode("utf-8", "surrogatepass"), findings, None


def cut(text, places):
    at = sorted({place % (len(text) + 1) for place in places})
    return [text[start:end] for start, end in zip([0, *at], [*at, len(text)], strict=True)]


@pytest.mark.parametrize("policy", POLICIES, ids=["healthcare", "own", "card-blocks", "all-block"])
@settings(max_examples=120, deadline=None)
@given(text=near_misses, places=st.lists(st.integers(0, 400), max_size=6))
@example(text="4111 1111 1111 1111 123-45-6789", places=[])
@example(text="+49 30 1234567 2024", places=[4])
@example(text="DE89 3704 0044 0532 0130 00 BIC", places=[27])
@example(text="0.4532015112830366", places=[2])
def test_cuts_change_nothing(policy, text, places):
    expected = whole(policy, text)
    assert streamed(policy, text) == expected
    assert streamed(policy, cut(text, places)) == expected


@pytest.mark.parametrize("policy", POLICIES[:2], ids=["healthcare", "own"])
@settings(max_examples=120, deadline=None)
@given(text=near_misses)
def test_what_is_found_is_what_the_definition_says(policy, text):
    assert whole(policy, text) == plainly(policy, text)


@pytest.mark.parametrize("policy", POLICIES, ids=["healthcare", "own", "card-blocks", "all-block"])
@settings(max_examples=60, deadline=None)
@given(text=near_misses)
def test_a_judgement_and_a_channel_agree(policy, text):
    released, findings, blocked = streamed(policy, cut(text, [5]))
    match policy.judge(text, Form.PROSE):
        case Allow():
            assert (released, findings, blocked) == (text, {}, None)
        case Rewrite(changed, "pii_detected", found):
            assert (released, findings, blocked) == (changed, found, None)
        case Block() as block:
            assert blocked == block


def test_ordinary_words_are_held_no_longer_than_to_their_end():
    channel = POLICIES[0].open_channel(Form.PROSE)
    assert channel.feed("Hello") == ""
    assert channel.feed(" world,") == "Hello world,"
    assert channel.feed(" it is 10") == " it is "
    assert channel.feed(" o'clock") == "10 o'"


def test_memory_stays_bounded_in_a_text_without_end():
    channel = POLICIES[0].open_channel(Form.PROSE)
    released = sum(len(channel.feed("4" * 65536)) for _ in range(64))
    assert len(channel.scan.raw) < 4096
    assert released > 64 * 65536 - 4096


def test_checks_end_when_they_took_too_much_work():
    text = "4111 1111 1111 1112, " * (scan.MAX_EFFORT + 1)
    released, findings, blocked = streamed(POLICIES[0], cut(text, [65536]))
    assert findings == {"card": 1}
    assert blocked is None
    assert released.count("[CARD]") == 1
    assert released.endswith("[CARD], ")
