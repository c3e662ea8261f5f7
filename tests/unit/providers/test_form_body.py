"""Strict reading and byte-exact changing of forms."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.form_body import read_form, rewrite

TYPE = b"multipart/form-data; boundary=XX"
SOUND = b"RIFF\x00\xff\r\n--X\r\n--Y\r\n\r\n"


def part(head: bytes, value: bytes) -> bytes:
    return b"--XX\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + value + b"\r\n"


FILE = part(b'name="file"; filename="jane doe.mp3"\r\nContent-Type: audio/mpeg', SOUND)
FORM = FILE + part(b'name="model"', b"whisper-1") + part(b'name="prompt"', "caf\u00e9".encode()) + b"--XX--\r\n"
TREE = {"file": {"filename": "jane doe.mp3"}, "model": "whisper-1", "prompt": "caf\u00e9"}


def test_fields_by_name():
    assert read_form(FORM, TYPE) == TREE
    assert read_form(FORM, b'multipart/form-data; charset=utf-8; boundary="XX"') == TREE


def test_names_that_end_in_brackets_are_lists():
    form = part(b'name="image[]"; filename="a.png"', b"1") + part(b'name="image[]"; filename="b.png"', b"2") + b"--XX--"
    assert read_form(form, TYPE) == {"image[]": [{"filename": "a.png"}, {"filename": "b.png"}]}
    changed = rewrite(form, TYPE, {("image[]", 1, "filename"): 'x"\r\n.png'}, {})
    assert changed == form.replace(b"b.png", b"x___.png")


def test_only_changed_fields_change():
    changes = {("model",): "other", ("file", "filename"): "[NAME].mp3"}
    expected = FORM.replace(b"whisper-1", b"other").replace(b"jane doe.mp3", b"[NAME].mp3")
    assert rewrite(FORM, TYPE, changes, {}) == expected
    assert rewrite(FORM, TYPE, {}, {}) == FORM


def test_fields_can_be_added():
    assert read_form(rewrite(FORM, TYPE, {}, {"user": "x"}), TYPE) == {**TREE, "user": "x"}


def test_a_value_never_smuggles_a_boundary_in():
    with pytest.raises(Fault):
        rewrite(FORM, TYPE, {("prompt",): "a\r\n--XX\r\n"}, {})


@given(
    values=st.lists(
        st.binary(max_size=12) | st.sampled_from([b"\r\n--X", b"\r\n-", b"--XX", b"\r", b"\n\r\n"]), max_size=4
    )
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_of_files_are_kept(values):
    form = b"".join([part(b'name="f%d"; filename="x"' % at, value) for at, value in enumerate(values)])
    form += part(b'name="model"', b"m") + b"--XX--\r\n"
    if any(b"\r\n--XX" in b"\r\n" + value for value in values):
        return
    assert list(read_form(form, TYPE)) == [*(f"f{at}" for at in range(len(values))), "model"]
    assert rewrite(form, TYPE, {("model",): "n"}, {}) == form[::-1].replace(b"m\n\r", b"n\n\r", 1)[::-1]


GOOD = part(b'name="model"', b"m")


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"--XX--\r\n",
        GOOD,
        GOOD + b"--XX",
        GOOD + b"--XX--\r\nmore",
        b"preamble\r\n" + GOOD + b"--XX--",
        b"\r\n" + GOOD + b"--XX--",
        GOOD.replace(b"\r\n", b"\n") + b"--XX--",
        part(b"name=\"model\"; filename*=utf-8''x", b"m") + b"--XX--",
        part(b"name=model", b"m") + b"--XX--",
        part(b'name="a"; name="b"', b"m") + b"--XX--",
        part(b'name="model"\r\nX-Other: y', b"m") + b"--XX--",
        part(b'name="model"\r\nContent-Transfer-Encoding: base64', b"bQ==") + b"--XX--",
        part(b'name="model"\r\nContent-Disposition: form-data; name="b"', b"m") + b"--XX--",
        b"--XX\r\nContent-Type: text/plain\r\n\r\nm\r\n--XX--",
        part(b'name="model"', b"\xff") + b"--XX--",
        GOOD * 200 + b"--XX--",
    ],
)
def test_what_parsers_could_read_differently_is_refused(form):
    with pytest.raises(Fault) as raised:
        read_form(form, TYPE)
    assert raised.value.code is Code.INVALID_REQUEST


def test_a_field_is_sent_once():
    with pytest.raises(Fault) as raised:
        read_form(GOOD + GOOD + b"--XX--", TYPE)
    assert raised.value.code is Code.DUPLICATE_KEY


@pytest.mark.parametrize(
    "kind", [b"multipart/form-data;", b"multipart/form-data; boundary=", b"multipart/form-data; boundary=\xff"]
)
def test_a_boundary_is_needed(kind):
    with pytest.raises(Fault):
        read_form(FORM, kind)
