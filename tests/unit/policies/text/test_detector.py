import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.policies.text.checks import AHEAD
from keeptrusts.policies.text.credentials import CREDENTIALS
from keeptrusts.policies.text.detector import Gate, compile_detector
from keeptrusts.policies.text.scan import Account, Rules, Scan
from keeptrusts.policies.text.shapes import EMAIL, US_SSN, Shape


def test_packs_with_the_same_shapes_share_one_detector():
    assert compile_detector((*EMAIL, *US_SSN)) is compile_detector((*EMAIL, *US_SSN))


def test_packs_with_other_own_patterns_share_what_is_built_in():
    one, other = (compile_detector((*EMAIL, Shape("custom", text, family="own"))) for text in ("abc", "xyz"))
    assert one.families[0] is other.families[0]
    assert one.tails[0] is other.tails[0]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (b"hello", b"hello"),
        (b"hello ", b""),
        (b"see 123-45", b"123-45"),
        (b"write to a@b.com", b"a@b.com"),
        (b"write to a@b.com, ", b""),
    ],
)
def test_only_what_may_still_become_a_match_is_held(text, held):
    detector = compile_detector((*EMAIL, *US_SSN))
    assert text[detector.hold(text, 0) :] == held


def test_starts_are_the_first_of_each_family():
    detector = compile_detector((*EMAIL, *US_SSN))
    text = b"x 123-45-6789 a@b.com"
    assert [place for place, _ in detector.starts(text, 0)] == [14, 2]
    assert detector.starts(b"nothing here", 0) == []


def test_credentials_are_sought_with_a_program_that_fits_an_automaton():
    shapes = tuple(shape for shapes in CREDENTIALS.values() for shape in shapes)
    sizes = [family.search.__self__.ProgramSize() for family in compile_detector(shapes).families]
    assert max(sizes) < 15_000


def test_a_long_bound_holds_although_it_is_not_sought():
    detector = compile_detector((Shape("key", r"\bK[0-9]{2,100}\b"),))
    text = b"K" + b"1" * 101
    assert [place for place, _ in detector.starts(text, 0)] == [0]
    found = Scan(detector, Rules(marker=str.__add__, blocking=(), is_allowed=None, reason_code="x"), Account())
    found.raw = text
    assert not found.advance(final=True)


def test_a_detector_without_shapes_finds_nothing_and_holds_nothing():
    detector = compile_detector(())
    assert detector.starts(b"a@b.com", 0) == []
    assert detector.hold(b"a@b.com", 0) == 7


def test_only_fitting_shapes_are_tried():
    family = compile_detector(US_SSN).families[0]
    assert len(family.fitting(b"123-")) == 1
    assert family.fitting(b"9999") == ()
    assert len(family.fitting("12é".encode())) == len(US_SSN)


def test_a_shape_shorter_than_the_peek_fits():
    family = compile_detector((Shape("custom", "ab", family="own"), Shape("custom", "x", family="own"))).families[0]
    assert len(family.fitting(b"ab x")) == 1
    assert family.fitting(b"ba x") == ()


def test_a_family_of_one_shape_has_nothing_to_choose_from():
    family = compile_detector((Shape("custom", "ab", family="own"),)).families[0]
    assert len(family.fitting(b"ba x")) == 1


def test_what_is_held_has_a_bound_even_where_its_beginning_has_none():
    detector = compile_detector((Shape("long", "<[a-z]{1,100}>"),))
    text = b"<" + b"a" * 10_000
    assert len(text) - 102 * 4 - AHEAD <= detector.hold(text, 0) < len(text)
    assert detector.hold(b"x <abc", 0) == 2


@given(st.binary(max_size=40), st.sets(st.integers(0, 255), min_size=1), st.integers(0, 40))
def test_a_gate_is_open_where_one_of_its_bytes_stands(text, codes, start):
    assert Gate(codes).is_open(text, start) is any(code in codes for code in text[start:])


def test_the_gate_of_a_long_text_is_never_shut_before_one_of_its_bytes():
    gate = Gate({0x40, 0x2B})
    assert gate.is_open(b"a" * 5000 + b"@", 1)
    assert not gate.is_open(b"a" * 5000, 1)


@given(st.text("<abc @.1-", max_size=40), st.integers(1, 200), st.integers(0, 20))
def test_looking_for_all_beginnings_at_once_finds_what_looking_for_each_does(words, times, start):
    short, long = Shape("short", "@[a-c]{1,4}@"), Shape("long", "<[a-c ]{1,300}>")
    (tail,) = compile_detector((short, long)).tails
    text = (words * times).encode()
    start = min(start, len(text))
    assert len(tail.parts) == 2
    assert tail.find(text, start) == min(part.find(text, start) for part in tail.parts)
