"""A streamed reply and its policies: any cutting gives the same text, and nothing passes a block."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.policies import BLOCK, FAIL, WordPolicy
from fakes.streams import ScriptedReader, event, received, repeated
from keeptrusts.contract.call import Role
from keeptrusts.contract.faults import Code
from keeptrusts.gateway.judging import Judge
from keeptrusts.gateway.streaming import StreamJudge, Unjudged, open_relay
from keeptrusts.policies.verdict import Block, Phase, Rewrite

REDACT = WordPolicy({"secret": "[S]", "cretin": "?"}, kind="redact")
MARKERS = WordPolicy({"[S]s": "<two>", "]o": "<o>"}, kind="markers")
"""Reacts to what the policy before it writes."""
REFUSE = WordPolicy({"secret": "[S]", "stop!": BLOCK}, kind="refuse")


def relay(*policies, fail_mode="block"):
    tallies = []
    judge = Judge(policies, Phase.OUTPUT, fail_mode)
    reader = ScriptedReader()
    return open_relay(reader, judge, tallies), reader, tallies


def run(events, *policies, fail_mode="block"):
    """The bytes of a client, the fault, and the tallies."""
    judge, _, tallies = relay(*policies, fail_mode=fail_mode)
    out = judge.pass_events(events)
    return out + judge.flush(), judge.fault, tallies


def chain(text, *policies):
    """What the policies make of a whole text."""
    for policy in policies:
        verdict = policy.judge(text, None)
        assert not isinstance(verdict, Block)
        text = verdict.text if isinstance(verdict, Rewrite) else text
    return text


near_misses = st.lists(
    st.sampled_from(["secret", "sec", "ret", "cret", "cretin", "in", "s", "]", "o", " "]), max_size=8
)
texts = near_misses.map("".join)


def pieces(text, cuts):
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(places)]


@st.composite
def streams(draw):
    """Two texts, cut and interleaved, each closed in one of the ways there are."""
    whole = {channel: draw(texts) for channel in "ab"}
    parts = {channel: pieces(text, draw(st.lists(st.integers(0, 40), max_size=8))) for channel, text in whole.items()}
    events = []
    while any(parts.values()):
        spoken = draw(st.sampled_from([[c] for c in "ab" if parts[c]] + [[c for c in "ab" if parts[c]]]))
        fragments = []
        for channel in spoken:
            count = draw(st.integers(1, 2))
            fragments += [(channel, part) for part in parts[channel][:count]]
            parts[channel] = parts[channel][count:]
        closes = [c for c in "ab" if not parts[c] and draw(st.booleans())]
        events.append(event(*fragments, closes=closes))
    last = draw(st.sampled_from([[], [event(closes_all=True)], [event(closes=["b", "a"])], [event(closes=["a"])]]))
    return whole, events + last


@pytest.mark.parametrize("policies", [(REDACT,), (REDACT, MARKERS), (MARKERS, REDACT)], ids=["one", "two", "reversed"])
@settings(max_examples=50)
@given(stream=streams())
def test_cutting_never_changes_the_result(policies, stream):
    whole, events = stream
    out, fault, tallies = run(events, *policies)
    assert fault is None
    assert received(out) == {c: chain(text, *policies) for c, text in whole.items() if text}
    first = whole["a"], whole["b"]
    found = [policies[0].judge(text, None) for text in first]
    expected = {}
    for verdict in found:
        for word, count in getattr(verdict, "findings", {}).items():
            expected[word] = expected.get(word, 0) + count
    assert tallies[0].findings == expected
    assert tallies[0].verdict == ("redact" if expected else "allow")


@settings(max_examples=50)
@given(before=texts, after=texts, cuts=st.lists(st.integers(0, 60), max_size=10), other=texts)
def test_a_block_releases_what_stood_before_it_and_nothing_after(before, after, cuts, other):
    cut = pieces(before + "stop!" + after, cuts)
    events = [event(("b", other)), *(event(("a", piece)) for piece in cut), event(("b", "too late"), closes_all=True)]
    out, fault, tallies = run(events, REFUSE)
    texts = received(out)
    assert fault.code is Code.OUTPUT_BLOCKED
    assert fault.policy == "refuse"
    assert texts.get("a", "") == chain(before, REFUSE)
    assert texts.get("b", "") == chain(other, REFUSE)
    assert (tallies[0].verdict, tallies[0].reason_code) == ("block", "word_found")
    assert tallies[0].findings["stop!"] == 1


def test_events_without_text_pass_as_they_are():
    sent = [event(), event(("a", "hello ")), event()]
    out, fault, tallies = run(sent, REDACT)
    assert out == b"".join(sent)
    assert (fault, tallies[0].verdict) == (None, "allow")


def test_text_that_was_held_back_leaves_with_the_event_that_closes_its_channel():
    out, _, _ = run([event(("a", "x sec")), event(("a", "on"), closes=["a"])], REDACT)
    assert out.count(b"data: ") == 2
    assert received(out) == {"a": "x secon"}


def test_text_that_was_held_back_leaves_before_an_event_that_has_no_room_for_it():
    judge, reader, _ = relay(REDACT)
    out = judge.pass_events([event(("a", "x sec")), event(closes=["a"])])
    assert out.split(b"\n\n")[1:] == [event(("a", "sec"))[:-2], event(closes=["a"])[:-2], b""]
    assert reader.asked == ["read", "write", "read", "carry", "write"]


def test_several_fragments_of_one_channel_in_one_event_are_one_text():
    out, _, tallies = run([event(("a", "x se"), ("a", "cr"), ("a", "et y"), closes=["a"])], REDACT)
    assert received(out) == {"a": "x [S] y"}
    assert tallies[0].findings == {"secret": 1}


def test_closing_twice_or_what_never_spoke_does_nothing():
    out, fault, tallies = run([event(("a", "secret"), closes=["a", "a"]), event(closes=["a", "z"])], REDACT)
    assert received(out) == {"a": "[S]"}
    assert (fault, tallies[0].findings) == (None, {"secret": 1})


def test_what_one_policy_held_back_goes_through_those_after_it():
    out, _, tallies = run([event(("a", "secret")), event(closes_all=True)], REDACT, WordPolicy({"[S]": "gone"}))
    assert received(out) == {"a": "gone"}
    assert [tally.verdict for tally in tallies] == ["redact", "redact"]


def test_repeated_text_is_rewritten_and_counted_once():
    sent = [event(("a", "a secret"), closes=["a"]), event(repeats=["a secret"]), event(repeats=["a secret", "fine"])]
    out, _, tallies = run(sent, REDACT)
    assert repeated(out) == ["a [S]", "a [S]", "fine"]
    assert tallies[0].findings == {"secret": 1}


def test_text_that_comes_only_whole_is_counted_too():
    sent = [event(("a", "secret"), closes=["a"]), event(repeats=["secret secret"]), event(repeats=["secret"] * 3)]
    out, _, tallies = run(sent, REDACT)
    assert repeated(out) == ["[S] [S]", "[S]", "[S]", "[S]"]
    assert (tallies[0].verdict, tallies[0].findings) == ("redact", {"secret": 3})
    _, _, alone = run([event(repeats=["secret"])], REDACT)
    assert (alone[0].verdict, alone[0].reason_code, alone[0].findings) == ("redact", "word_found", {"secret": 1})


def test_repeated_text_goes_through_the_whole_chain():
    out, _, _ = run([event(repeats=["secret"])], REDACT, WordPolicy({"[S]": "gone"}))
    assert repeated(out) == ["gone"]


def test_a_block_in_repeated_text_passes_none_of_its_event():
    out, fault, tallies = run([event(repeats=["secret", "stop!"]), event(("a", "late"))], REFUSE)
    assert out == b""
    assert fault.code is Code.OUTPUT_BLOCKED
    assert tallies[0].verdict == "block"


def test_a_block_in_repeated_text_beside_a_fragment_does_not_pass_with_the_fragment():
    out, fault, _ = run([event(("a", "hello"), repeats=["fine", "do stop! now"])], REFUSE)
    assert fault is not None
    assert received(out) == {"a": "hello"}
    assert repeated(out) == ["", ""]


def test_a_block_in_a_fragment_holds_up_the_repeated_text_beside_it():
    out, _, tallies = run([event(("a", "stop!"), repeats=["secret"])], REFUSE)
    assert repeated(out) == [""]
    assert tallies[0].findings == {"stop!": 1}


def test_a_block_that_shows_only_at_the_end_is_one():
    class Late(WordPolicy):
        def open_channel(self, form):
            channel = super().open_channel(form)
            channel.feed = lambda text: ""
            channel.finish = lambda: setattr(channel, "blocked", Block("late", "Too long.")) or ""
            return channel

    out, fault, tallies = run([event(("a", "x")), event(closes=["a"]), event(("b", "y"))], Late({}, kind="late"))
    assert (fault.policy, tallies[0].reason_code) == ("late", "late")
    assert received(out) == {"a": ""}


def test_the_first_block_is_the_one_that_is_told():
    _, fault, tallies = run(
        [event(("a", "one stop!"), ("b", "halt!"))], REFUSE, WordPolicy({"halt!": BLOCK}, kind="other")
    )
    assert fault.policy == "refuse"
    assert [tally.verdict for tally in tallies] == ["block", "allow"]


@pytest.mark.parametrize("unreadable", ["block", "allow"])
def test_content_that_cannot_be_read_is_held_to_the_setting(unreadable):
    policy = WordPolicy({"secret": "[S]"}, kind="reader", unreadable=unreadable)
    out, fault, _ = run([event(("a", "sec")), event(("a", "ond"), unreadable=["image"])], policy)
    if unreadable == "allow":
        assert (fault, received(out)) == (None, {"a": "second"})
    else:
        assert (fault.code, fault.policy) == (Code.CONTENT_NOT_INSPECTABLE, "reader")
        assert received(out) == {"a": "sec"}
        assert b"image" not in out


BROKEN = WordPolicy({"secret": "[S]", "boom": FAIL}, kind="broken")


def test_a_policy_that_breaks_closes_the_stream(caplog):
    out, fault, tallies = run([event(("a", "a secret boom")), event(("a", "more"))], BROKEN)
    assert (fault.code, fault.policy) == (Code.OUTPUT_BLOCKED, "broken")
    assert "fails closed" in fault.message
    assert received(out).get("a", "") == ""
    assert (tallies[0].verdict, tallies[0].reason_code) == ("block", "policy_error")
    assert [record.facts for record in caplog.records] == [{"policy": "broken", "phase": "output"}]


def test_a_policy_that_breaks_lets_the_rest_pass_where_the_operator_says_so():
    sent = [event(("a", "a secret ")), event(("a", "boom")), event(("a", " secret"), closes=["a"])]
    out, fault, tallies = run(sent, BROKEN, WordPolicy({"boom": "[B]"}), fail_mode="allow")
    assert fault is None
    assert received(out) == {"a": "a [S] [B] secret"}
    assert [(tally.verdict, tally.findings) for tally in tallies] == [
        ("redact", {"secret": 1, "policy_error": 1}),
        ("redact", {"boom": 1}),
    ]


@pytest.mark.parametrize("breaks_at_open", [True, False])
@pytest.mark.parametrize(("fail_mode", "verdict"), [("block", "block"), ("allow", "flag")])
def test_the_record_says_once_that_a_policy_failed(fail_mode, verdict, breaks_at_open):
    sent = [event(("a", "boom")), event(("a", " more")), event(closes=["a"])]
    broken = WordPolicy({"boom": FAIL}, breaks_at_open=breaks_at_open)
    _, _, tallies = run(sent, broken, fail_mode=fail_mode)
    outcome = tallies[0].outcome()
    assert (outcome.verdict, outcome.reason_code, outcome.findings) == (verdict, "policy_error", {"policy_error": 1})


def test_what_a_policy_flags_passes_and_is_counted_once():
    flags = WordPolicy({"secret": "[S]"}, can_rewrite=False)
    sent = [event(("a", "a sec")), event(("a", "ret"), closes=["a"]), event(repeats=["a secret secret"])]
    _, fault, tallies = run(sent, flags)
    outcome = tallies[0].outcome()
    assert fault is None
    assert (outcome.verdict, outcome.reason_code, outcome.findings) == ("flag", "word_found", {"secret": 2})


def test_a_policy_that_does_not_read_what_models_say_reads_no_stream():
    sent = [event(("a", "a secret"), closes=["a"])]
    out, fault, tallies = run(sent, WordPolicy({"secret": BLOCK}, roles=(Role.USER,)))
    assert (out, fault, tallies[0].verdict) == (sent[0], None, "allow")


@pytest.mark.parametrize(("fail_mode", "text"), [("block", ""), ("allow", "hello")])
def test_a_policy_that_cannot_even_begin_obeys_the_fail_mode(fail_mode, text):
    policy = WordPolicy({}, kind="broken", breaks_at_open=True)
    out, fault, _ = run([event(("a", "hello"), closes=["a"])], policy, fail_mode=fail_mode)
    assert received(out) == {"a": text}
    assert (fault is None) == (fail_mode == "allow")


def test_a_policy_that_breaks_at_the_end_loses_nothing_that_it_released():
    class BreaksAtEnd(WordPolicy):
        def open_channel(self, form):
            channel = super().open_channel(form)
            channel.finish = lambda: int("broken")
            return channel

    judge, _, _ = relay(WordPolicy({"secret": "[S]"}), BreaksAtEnd({"x": "y"}), fail_mode="allow")
    out = judge.pass_events([event(("a", "sec"))]) + judge.flush()
    assert received(out) == {"a": "sec"}


def test_without_policies_texts_are_not_even_read():
    judge, reader, tallies = relay()
    sent = [event(("a", "secret stop!")), event(closes_all=True, end=True)]
    assert isinstance(judge, Unjudged)
    assert judge.pass_events(sent) + judge.flush() == b"".join(sent)
    assert (judge.fault, tallies, reader.asked) == (None, [], ["watch", "watch"])


def test_tallies_join_those_of_the_input():
    tallies = ["input"]
    judge = open_relay(ScriptedReader(), Judge((REDACT, MARKERS), Phase.OUTPUT, "block"), tallies)
    assert isinstance(judge, StreamJudge)
    assert [tally.phase for tally in tallies[1:]] == [Phase.OUTPUT, Phase.OUTPUT]
