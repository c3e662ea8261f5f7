"""Changing events and making further ones."""

import pytest

from keeptrusts.providers.json_body import decode
from keeptrusts.providers.sse import parse
from keeptrusts.providers.streams import effective, find_tree, kind_of, rewritten, sole_text, without_logprobs


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (b'data: {"a":1}\n\n', b'data: {"b":2}\n\n'),
        (b'data:{"a":1}\n\n', b'data: {"b":2}\n\n'),
        (b'event: e\r\nid: 7\r\ndata: {"a":\r\ndata: 1}\r\n: c\r\n\r\n', b'event: e\nid: 7\n: c\ndata: {"b":2}\n\n'),
        (b'\xef\xbb\xbfdata: {"a":1}', b'data: {"b":2}\n\n'),
    ],
)
def test_the_lines_beside_the_data_stay(event, expected):
    assert rewritten(event, {"b": 2}) == expected


def test_only_changes_that_change_something_count():
    tree = {"a": ["x", "y"]}
    assert effective(tree, {("a", 0): "x", ("a", 1): "z"}) == {("a", 1): "z"}
    assert effective(None, {}) == {}


def test_a_further_event_says_identifiers_once_and_nothing_else():
    tree = {
        "id": "c1",
        "padding": "xxx",
        "usage": {"a": 1},
        "choices": [{"index": 1, "delta": {"role": "assistant", "content": "a", "tool_calls": [
            {"index": 4, "id": "t", "type": "function", "function": {"name": "f", "arguments": "{"}}]}}],
    }  # fmt: skip
    path = ("choices", 0, "delta", "tool_calls", 0, "function", "arguments")
    assert sole_text(tree, path, "}", frozenset({"padding"})) == {
        "id": "c1",
        "choices": [
            {"index": 1, "delta": {"tool_calls": [{"index": 4, "type": "function", "function": {"arguments": "}"}}]}}
        ],
    }


def test_log_probabilities_are_emptied_at_every_depth():
    tree = {"logprobs": [{"token": "x"}], "a": [{"logprobs": {"content": []}, "b": 1}]}
    assert without_logprobs(tree) == {"logprobs": [], "a": [{"logprobs": None, "b": 1}]}


def test_an_error_is_known_by_its_word_and_not_by_its_text():
    assert kind_of({"code": "overloaded", "message": "prompt"}) == "overloaded"
    assert kind_of({"code": None, "type": "api_error"}) == "api_error"
    assert kind_of({"code": 529}) == "529"
    assert kind_of({"code": "x\n" * 99, "message": "prompt"}) == "error"
    assert kind_of("prompt") == "error"


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"5", b"[" * 99_999])
def test_data_that_are_no_object(data):
    assert find_tree(data) is None


def test_data_that_are_an_object():
    assert find_tree(parse(b'data: {"a":1}\n\n')[1]) == decode(b'{"a":1}')
