"""The reader gives plain values with their places, and refuses what it must while it reads."""

import json
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.config.source import MAX_BYTES, Place, read_source


def refusal(text):
    source = read_source(text if isinstance(text, bytes) else text.encode())
    assert [complaint.code for complaint in source.complaints] == ["E006"]
    return source.complaints[0]


def test_values_and_keys_have_their_places():
    source = read_source(b"a: 1\nb:\n  - x\n  - {c: 'two'}\n")
    assert source.value == {"a": 1, "b": ["x", {"c": "two"}]}
    assert source.values["b", 1, "c"] == Place(4, 9)
    assert source.keys["b", 1, "c"] == Place(4, 6)
    assert source.place_of(("b", 1, "c")) == Place(4, 9)
    assert source.place_of(("b", 1, "c"), at_key=True) == Place(4, 6)


def test_what_is_not_there_is_placed_at_its_nearest_parent():
    source = read_source(b"a:\n  b: 1\n")
    assert source.nearest(("a", "x", 3)) == ("a",)
    assert source.place_of(("a", "x", 3)) == Place(2, 3)
    assert source.place_of(("z",), at_key=True) == Place(1, 1)


def test_columns_count_characters_and_a_byte_order_mark_is_nothing():
    source = read_source("\ufeffé: ü\nb: 1\n".encode())
    assert source.value == {"é": "ü", "b": 1}
    assert source.values["é",] == Place(1, 4)


def test_the_text_behind_a_number_is_kept():
    source = read_source(b"a: 0.10\nb: '0.10'\nc: true\n")
    assert source.raw == {("a",): "0.10"}


def test_quoted_scalars_are_text():
    assert read_source(b"- \"1\"\n- 'true'\n- ''\n- |-\n  ~\n").value == ["1", "true", "", "~"]


def test_aliases_stand_for_their_anchor():
    source = read_source(b"a: &x {k: [1, 2]}\nb: *x\n")
    assert source.value == {"a": {"k": [1, 2]}, "b": {"k": [1, 2]}}
    assert source.place_of(("b", "k", 1)) == Place(2, 4)
    assert source.is_whole


def test_every_duplicate_key_is_named_and_the_first_value_stays():
    source = read_source(b"a: 1\nb: 2\na: 3\nb: {c: 1, c: 2}\n")
    assert source.value == {"a": 1, "b": 2}
    assert [complaint.place for complaint in source.complaints] == [Place(3, 1), Place(4, 11), Place(4, 1)]
    assert source.complaints[0].message == "this key was given before, in line 1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: !!str 1", "tags"),
        ("a: ! x", "tags"),
        ("!!map {a: 1}", "tags"),
        ("!x a: 1", "tags"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "merge keys"),
        ("1: a", "a key must be text"),
        ("true: a", "a key must be text"),
        ("~: a", "a key must be text"),
        (".inf: a", "a key must be text"),
        ("[a]: b", "a key must be text"),
        ("? {a: 1}\n: b", "a key must be text"),
        ("a: 1\n---\nb: 2\n", "second document"),
        ("a: *x", "anchor that was not set"),
        ("a: &x [*x]", "inside the value"),
        ("", "empty"),
        ("# nothing\n", "empty"),
        ("a: [b", "not YAML"),
        ("a:\n\t- b", "a tab stands here"),
        ("a: b\n  \tc: 1", "a tab stands here"),
        ('a: "\\ud800"', "not YAML"),
        ("a: 'b", "not YAML"),
        ("a: b\x00c", "control character"),
        ("a: b\x07c", "control character"),
        ("[" * 65 + "]" * 65, "64 levels"),
        ("- " * 65, "64 levels"),
        ("[" + "a," * 20_001 + "]", "20,000 values"),
        ("a: &a [" + "x," * 4999 + "]\nb: [*a, *a, *a]", "10,000 values"),
    ],
)
def test_what_the_language_leaves_out_is_refused(text, words):
    assert words in refusal(text).message


def test_aliases_do_not_hide_depth():
    deep = "a: &a " + "[" * 40 + "]" * 40
    assert read_source(f"{deep}\nb: [*a]".encode()).is_whole
    assert "64 levels" in refusal(f"{deep}\nb: {'[' * 30}*a{']' * 30}").message


def test_the_largest_depth_is_read():
    assert read_source(("[" * 64 + "]" * 64).encode()).is_whole


def test_size_and_encoding_are_judged_first():
    assert "bytes" in refusal(b"a" * (MAX_BYTES + 1)).message
    complaint = refusal(b"a: 1\nb: " + b"\xff\n")
    assert (complaint.message, complaint.place) == ("the file is not UTF-8 text", Place(2, 4))
    assert "UTF-8" in refusal("a: 1".encode("utf-16")).message


def test_an_odd_number_is_a_wrong_value_and_reading_goes_on():
    source = read_source(b"a: .inf\nb: 2\n")
    assert [(complaint.code, complaint.path) for complaint in source.complaints] == [("E004", ("a",))]
    assert source.is_whole


@pytest.mark.parametrize(
    "text",
    [
        "[" * 262_144,
        "{a: " * 65_000,
        "? " * 130_000,
        "- " * 130_000,
        "[" + "[]," * 87_000 + "]",
        "".join(f"k{i}: 1\n" for i in range(20_000)),
        "a: 1\n" * 52_000,
        "".join(f"- &a{i} x\n" for i in range(20_000)),
        "%TAG !a! b\n" * 20_000,
        "".join(f"%TAG !a{i}! b\n" for i in range(13_000)) + "---\na: 1\n",
        'a: "' + "\\x20" * 60_000,
        "&" * 262_144,
        "#\n" * 130_000,
        ":" * 262_144,
        "a: &a [x,x,x,x]\n" + "".join(f"b{i}: &b{i} [*a,*a,*a,*a]\n" for i in range(10_000)),
    ],
    ids=range(15),
)
@pytest.mark.usefixtures("untraced")
def test_hostile_texts_are_read_or_refused_within_a_second(text):
    begin = time.process_time()
    read_source(text.encode()[:MAX_BYTES])
    assert time.process_time() - begin < 1.0


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(-1e9, 1e9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_json_is_read_as_json(tree):
    source = read_source(json.dumps(tree, ensure_ascii=True).encode())
    if source.is_whole:  # JSON's escaped lone surrogates and the like are no YAML
        assert source.value == tree


@given(plain, st.booleans())
def test_what_a_yaml_writer_writes_is_read_back_with_a_place_for_each_value(tree, flow):
    text = yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True)
    source = read_source(text.encode())
    if source.is_whole and not source.complaints:
        lines = text.splitlines()
        assert all(place.line <= len(lines) + 1 and place.column >= 1 for place in source.values.values())


@given(
    st.lists(
        st.sampled_from(
            [
                "a: ",
                "- ",
                "\n",
                "  ",
                "{",
                "}",
                "[",
                "]",
                ",",
                '"',
                "'",
                "*x",
                "&x ",
                "!t ",
                "<<",
                "#",
                "|",
                ">",
                "? ",
                ":",
                "é",
                "\t",
                "1",
                "~",
                "---\n",
            ]
        ),
        max_size=40,
    )
)
def test_glued_bits_of_yaml_never_crash_the_reader(bits):
    source = read_source("".join(bits).encode())
    assert source.is_whole or source.complaints
