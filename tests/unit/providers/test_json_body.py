"""Strict reading and byte-exact changing of JSON bodies."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.json_body import iter_string_paths, read_json, replace_at, set_flag, set_member, splice

# Near misses: quotes, backslashes and escapes beside each other, keys that look like values.
words = st.lists(
    st.sampled_from(['"', "\\", "u0022", "{", "}", "[", ":", ",", "é", "😀", "\n", "a", "model", " "])
).map("".join)
keys = st.sampled_from(["a", "model", 'q"', "b\\", "é", "stream_options", "x y"])
trees = st.dictionaries(
    keys,
    st.recursive(
        words | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=8,
    ),
    min_size=1,
    max_size=4,
)


def written(tree: Any, style: int) -> bytes:
    """The same document as different clients write it."""
    if style == 0:
        return msgspec.json.encode(tree)
    if style == 1:
        return json.dumps(tree).encode()
    if style == 2:
        return json.dumps(tree, indent=2, ensure_ascii=False).encode()
    spaced = json.dumps(tree, separators=(" ,\t", "\n: "))
    return re.sub(r"\\(.)", lambda found: "\\u0022" if found[1] == '"' else found[0], spaced).encode() + b" \n"


styles = st.integers(0, 3)


def refusal(body: bytes) -> Fault:
    with pytest.raises(Fault) as raised:
        read_json(body)
    return raised.value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"{}{}",
        b'{"a":1,}',
        b'{"a":NaN}',
        b'{"a":01}',
        b'{"a":1e999}',
        b'{"a":"\x01"}',
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":"\xff"}',
        b'{"\xed\xa0\x80":1}',
        rb'{"a":"\ud800"}',
        rb'{"a":"\udc00 "}',
        rb'{"a":"\ud800\u0041"}',
        rb'{"\ud800":1}',
    ],
)
def test_what_parsers_read_differently_is_refused(body):
    assert refusal(body).code is Code.INVALID_JSON


def test_a_byte_order_mark_is_named():
    assert "byte order mark" in refusal(b"\xef\xbb\xbf{}").message


@pytest.mark.parametrize("depth", [65, 100, 200_000])
def test_deep_nesting_is_refused(depth):
    assert refusal(b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}").code is Code.TOO_DEEP
    assert refusal(b'{"a":' * depth + b"1" + b"}" * depth).code is Code.TOO_DEEP


def test_wide_bodies_and_brackets_in_text_are_not_deep():
    read_json(msgspec.json.encode({"a": [{"b": []}] * 100, "c": "[{" * 500 + '"\\'}))
    read_json(b'{"a":' + b"[" * 63 + b"]" * 63 + b"}")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"model":"a","model":"b"}', "model"),
        (rb'{"model":"a","mod\u0065l":"b"}', "model"),
        (b'{"messages":[{"role":"user","content":"a","content":"b"}]}', "content"),
        (b'{"a":{"b":[{"c":1,"c":1}]}}', "c"),
        (b'{ "a" : 1 ,\n "a" : {"x": "\\"" } }', "a"),
        (rb'{"a":"\u0022\u0022","x":"","x":""}', "x"),
        (rb'{"secret of a user":1,"secret of a user":2}', None),
    ],
)
def test_a_repeated_key_is_refused_and_named_if_it_is_a_word_of_the_protocol(body, named):
    fault = refusal(body)
    assert fault.code is Code.DUPLICATE_KEY
    assert fault.param == named
    assert "secret" not in fault.message


@given(tree=trees, style=styles, where=st.integers(0, 30), escaped=st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_repeated_key_is_found_at_every_level_in_every_escape(tree, style, where, escaped):
    body = written(tree, style)
    assert read_json(body) == tree
    objects = [at for at in range(len(body)) if body[at : at + 1] == b"{" and is_structure(body, at)]
    at = objects[where % len(objects)]
    key = b'"\\u0064up":"\\"",' if escaped else b'"dup":1,'
    first = body[at + 1 :].lstrip()[:1] == b"}"
    twice = body[: at + 1] + b'"dup":0,' + (key[:-1] if first else key) + body[at + 1 :]
    assert refusal(twice).code is Code.DUPLICATE_KEY


def is_structure(body: bytes, at: int) -> bool:
    before = body[:at].replace(b"\\\\", b"").replace(b'\\"', b"")
    return before.count(b'"') % 2 == 0


@given(tree=trees, style=styles, picks=st.lists(st.integers(0, 50), min_size=1, max_size=4), text=words)
@settings(max_examples=100, deadline=None)
def test_splicing_changes_these_strings_and_no_other_byte(tree, style, picks, text):
    body = written(tree, style)
    places = [path for path, is_key in iter_string_paths(tree) if not is_key]
    if not places:
        return
    changes = {places[pick % len(places)]: text for pick in picks}
    spliced = splice(body, tree, changes)
    assert msgspec.json.decode(spliced) == replace_at(tree, changes)
    # Putting the old literals back must give the old bytes, but for how these literals were escaped.
    back = splice(spliced, msgspec.json.decode(spliced), dict.fromkeys(changes, ""))
    assert back == splice(body, tree, dict.fromkeys(changes, ""))


def test_splicing_keeps_numbers_spaces_and_escapes_as_they_are():
    body = rb'{ "model" : "a", "t":0.10,"big":1E5, "x":"\u00e9\/" ,"u":[ "k" ] }'
    assert splice(body, read_json(body), {("model",): "b"}) == body.replace(b'"a"', b'"b"')


def test_a_path_that_leads_nowhere_is_an_error():
    with pytest.raises(KeyError):
        splice(b'{"a":"b"}', {"a": "b"}, {("c",): "x"})


def test_what_the_tree_does_not_hold_does_not_survive_a_change():
    body = b'{"a":"secret", "a":"public"}'
    assert b"secret" not in splice(body, msgspec.json.decode(body), {("a",): "x"})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":1}', b'{"a":1,"so":{"on":true}}'),
        (b'{ "a":1 }\n', b'{ "a":1 ,"so":{"on":true}}\n'),
        (b'{"so": null, "a":1}', b'{"so": {"on":true}, "a":1}'),
        (b'{"so": { }, "a":1}', b'{"so": {"on":true }, "a":1}'),
        (b'{"so":{"x":{"on":false}}}', b'{"so":{"on":true,"x":{"on":false}}}'),
        (b'{"x":{"on":false},"so":{"on" : false}}', b'{"x":{"on":false},"so":{"on" : true}}'),
        (b'{"so":{"on":null},"z":"so"}', b'{"so":{"on":true},"z":"so"}'),
    ],
)
def test_a_flag_is_set_without_touching_other_bytes(body, expected):
    assert set_flag(body, read_json(body), "so", "on") == expected


def test_a_member_is_added_or_takes_the_place_of_null():
    assert set_member(b'{"a":1}', {"a": 1}, "n", 5) == b'{"a":1,"n":5}'
    assert set_member(b'{"n": null ,"a":"n"}', {"n": None, "a": "n"}, "n", 5) == b'{"n": 5 ,"a":"n"}'
