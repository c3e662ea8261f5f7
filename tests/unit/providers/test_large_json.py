import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers import large_json
from keeptrusts.providers.json_body import encode, iter_string_paths, read_json, splice
from keeptrusts.providers.large_json import read_large, splice_large

TEXTS = st.text(st.sampled_from('ab",:{}[]\\\n é😀\u200b'), max_size=12) | st.text("ab\\😀é", min_size=30, max_size=90)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text('ab"é', max_size=3), inner, max_size=5),
    max_leaves=25,
)
OBJECTS = st.dictionaries(st.text("abc", max_size=3), VALUES, max_size=6)
SPELLINGS = st.sampled_from([
    {"separators": (",", ":")}, {"separators": (" , ", " : ")}, {"indent": 1}, {"ensure_ascii": False}
])  # fmt: skip
WINDOWS = st.integers(16, 70)


def outcome(body: bytes, window: int | None = None) -> tuple[Any, Code | None]:
    try:
        return (read_json(body) if window is None else read_large(body, window=window)), None
    except Fault as fault:
        return None, fault.code


@given(OBJECTS, SPELLINGS, WINDOWS)
def test_a_body_reads_the_same_in_steps(tree: dict[str, Any], spelling: dict[str, Any], window: int) -> None:
    assert read_large(json.dumps(tree, **spelling).encode(), window=window) == tree


@settings(max_examples=300)
@given(OBJECTS, SPELLINGS, WINDOWS, st.data())
@example({"a": [1, 2, 3], "b": "x" * 60}, {}, 16, None)
def test_a_damaged_body_is_refused_in_steps_where_it_is_as_a_whole(
    tree: dict[str, Any], spelling: dict[str, Any], window: int, data: st.DataObject | None
) -> None:
    body = json.dumps(tree, **spelling).encode()
    if data is not None:
        at = data.draw(st.integers(0, len(body)))
        end = at + data.draw(st.integers(0, 2))
        body = (
            body[:at]
            + data.draw(st.sampled_from([b"", b",", b'"', b"]", b"}", b"[", b"{", b"\\", b":", b"\xff"]))
            + body[end:]
        )
    expected, code = outcome(body)
    if code in {None, Code.INVALID_JSON}:
        found, refused = outcome(body, window)
        assert found == expected
        assert (refused is None) == (code is None)
    else:
        assert outcome(body, window)[1] is not None


LONG = b'{"a":"' + b"x" * 50
NOT_JSON = [
    b"{,}", b'{"a":[1,]}', b'{"a":[,1]}', b'{"a":[1,,2]}', b'{"a":1,}', b'{"a":1}}', b'{"a":1},', b'{"a":1}{', b"[1,2]",
    b'{"a":[1}', b'{"a":[1,2},3]', b'{"a":1', b'{"a":1,', LONG, LONG + b'",}', LONG + b'"]}', LONG + b'"}}',
    LONG + b'"},', LONG[5:] + b'"', LONG + b'" "b"}', LONG + rb"\ud83d" + b"x" * 50 + b'"}', LONG + b'\xc3xxxxxxxx"}',
    LONG + b'\x01xxxxxxx"}', LONG + b'":1}x',
]  # fmt: skip


@pytest.mark.parametrize("body", NOT_JSON)
@pytest.mark.parametrize("window", [16, 20, 33])
def test_what_is_not_json_is_refused(body: bytes, window: int) -> None:
    assert outcome(body)[1] is Code.INVALID_JSON
    assert outcome(body, window)[1] is Code.INVALID_JSON


@given(WINDOWS, st.integers(0, 40))
def test_a_key_is_found_twice_however_far_apart(window: int, apart: int) -> None:
    body = b'{"a":[{"b":1,' + b"".join(b'"c%d":{"b":[]},' % index for index in range(apart)) + b'"b":2}]}'
    with pytest.raises(Fault) as refused:
        read_large(body, window=window)
    assert refused.value.code is Code.DUPLICATE_KEY
    assert refused.value.param == "b"


def test_a_name_that_containers_share_is_no_repetition() -> None:
    body = encode({"": [{"": {"": [1] * 40}}, {"": {"": "x" * 100, "a": [[], {}]}}], "b": {"": 1}})
    assert read_large(body, window=16) == read_json(body)


def test_depth_is_counted_from_the_top() -> None:
    def nested(depth: int) -> bytes:
        return b'{"a":' + b"[1,2," * (depth - 1) + b"]" * (depth - 1) + b"}"

    bodies = [nested(depth).replace(b",]", b"]") for depth in (64, 65)]
    assert [outcome(body, 16) for body in bodies] == [outcome(body) for body in bodies]
    assert outcome(bodies[1])[1] is Code.TOO_DEEP


def test_a_body_of_very_many_values_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_json, "MAX_PARTS", 100)
    monkeypatch.setattr(large_json, "MAX_VALUES", 200)
    assert outcome(encode({"a": ["b"] * 97}), 32)[1] is None
    assert outcome(encode({"a": ["b"] * 98}), 32)[1] is Code.TOO_MANY_VALUES
    assert outcome(encode({"a": [1] * 201}), 32)[1] is None
    assert outcome(encode({"a": [1] * 300}), 32)[1] is Code.TOO_MANY_VALUES


@given(OBJECTS, SPELLINGS, WINDOWS, st.data())
def test_strings_are_changed_in_steps_as_in_one_go(
    tree: dict[str, Any], spelling: dict[str, Any], window: int, data: st.DataObject
) -> None:
    body = json.dumps(tree, **spelling).encode()
    places = [path for path, is_key in iter_string_paths(tree) if not is_key]
    changes = {path: data.draw(TEXTS) for path in places if data.draw(st.booleans())}
    assert json.loads(splice_large(body, tree, changes, window=window)) == json.loads(splice(body, tree, changes))


def test_other_bytes_stay_where_strings_are_changed() -> None:
    body = b'{ "a": "' + b"x" * 50 + rb'\u0041", "b" :["\u00e9", "c"]}'
    changed = splice_large(body, read_json(body), {("b", 1): "d" * 40}, window=16)
    assert changed == body.replace(b'"c"', b'"' + b"d" * 40 + b'"')


def test_a_path_to_no_string_is_an_error() -> None:
    with pytest.raises(KeyError):
        splice_large(b'{"a":1}', {"a": 1}, {("a",): "b"})
