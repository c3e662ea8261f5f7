import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.policies.text.json_strings import (
    Origin,
    decode_string,
    escape_text,
    read_escape,
    read_escapes,
    split_run,
)


@pytest.mark.parametrize(
    ("raw", "said", "size"),
    [
        (rb"\n", "\n", 2),
        (rb"\u0041", "A", 6),
        (rb"\ud83d\ude00", "😀", 12),
        (rb"\ud83dx", "\ud83d", 6),
        (rb"\ud83d\u0041", "\ud83d", 6),
        (rb"\q", "\\", 1),
        (rb"\u12x456", "\\", 1),
    ],
)
def test_escapes(raw, said, size):
    assert read_escape(raw + b" " * 12, 0, final=False) == (said.encode("utf-8", "surrogatepass"), size)


@pytest.mark.parametrize(
    "raw", [b"\\", rb"\u", rb"\u004", rb"\ud83d", rb"\ud83d" + b"\\", rb"\ud83d\u", rb"\ud83d\ude0"]
)
def test_an_unfinished_escape_waits(raw):
    assert read_escape(raw, 0, final=False) is None
    assert read_escape(raw, 0, final=True) is not None


def test_short_escapes_are_read_in_runs():
    assert read_escapes(rb"\n\tcaf\"" + b" x\\u0041", 0) == (b'\n\tcaf" x', 11)
    assert read_escapes(b"plain", 0) is None
    assert read_escapes(b"\\n" + "\ud800".encode("utf-8", "surrogatepass"), 0) is None


def test_a_literal_is_decoded_whole_or_not_at_all():
    assert decode_string(b'"a\\u00e9\\n"') == "aé\n".encode()
    assert [decode_string(raw) for raw in (b'"\\q"', b'"\\ud800"', b'"a\nb"', b'"\xed\xa0\x80"')] == [None] * 4


@given(st.text(alphabet='aé😀"\\\n/', max_size=40), st.lists(st.integers(1, 9), max_size=20))
def test_what_was_said_can_be_taken_in_any_parts(text, sizes):
    raw = json.dumps(text)[1:-1].encode()
    origin = Origin()
    at = 0
    while at < len(raw):
        run = read_escapes(raw, at) or (read_escape(raw, at, final=True) if raw[at] == 0x5C else (raw[at : at + 1], 1))
        origin.add(len(run[0]), raw[at : at + run[1]])
        at += run[1]
    taken, said = b"", text
    for size in sizes:
        part, said = said[:size], said[size:]
        taken += origin.take(len(part.encode()))
    assert taken + origin.take(len(said.encode())) == raw


def test_a_run_splits_into_plain_parts_and_escapes():
    assert list(split_run(rb"ab\ncd")) == [(2, b"ab"), (1, rb"\n"), (2, b"cd")]


def test_text_is_escaped():
    assert escape_text('a"\né') == 'a\\"\\né'
