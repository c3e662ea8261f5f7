import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.runtime.http.head import OURS, field_line, render_head, request_line
from keeptrusts.runtime.http.messages import Origin

ORIGIN = Origin("https", "api.example", 8443)
near_bytes = st.lists(
    st.sampled_from([b"a", b"X-", b" ", b"\t", b"\r", b"\n", b"\r\n", b":", b"\x00", b"\x7f", b"\xff", b"host", b""]),
    max_size=6,
).map(b"".join)


def test_a_head_names_its_host_and_leaves_the_framing_to_the_client():
    assert render_head("POST", b"/v1/x?y=1", ORIGIN, [(b"Authorization", b"Bearer x")]) == (
        b"POST /v1/x?y=1 HTTP/1.1\r\nhost: api.example:8443\r\nAuthorization: Bearer x\r\n"
    )


@given(name=near_bytes, value=near_bytes)
def test_a_field_is_one_line_or_an_error(name, value):
    try:
        line = field_line(name, value)
    except ValueError:
        return
    assert line.count(b"\r") == line.count(b"\n") == 1
    assert line.endswith(b"\r\n")
    assert line.index(b":") == len(name)
    assert name.lower() not in OURS
    assert not set(line[:-2]) & ({0x7F, *range(32)} - {9})


@pytest.mark.parametrize("name", [*sorted(OURS), b"Content-Length", b"TRANSFER-ENCODING", b"", b"a b", b"a:"])
def test_names_that_frame_are_refused(name):
    with pytest.raises(ValueError, match="no token, or belongs to the connection"):
        field_line(name, b"x")


def test_a_refused_value_is_not_quoted():
    with pytest.raises(ValueError, match="x-key") as refused:
        field_line(b"x-key", b"secret\r\nHost: evil")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("target", [b"", b"v1", b"/a b", b"/a\r\n", b"/#x", b"/\xff", b"http://b/", b"*"])
def test_targets_that_could_frame_are_refused(target):
    with pytest.raises(ValueError, match="path"):
        request_line("GET", target, ORIGIN)


@pytest.mark.parametrize("method", ["HEAD", "CONNECT", "TRACE", "get", "GET /"])
def test_methods_whose_answers_are_framed_otherwise_are_refused(method):
    with pytest.raises(ValueError, match="requests are made with"):
        request_line(method, b"/", ORIGIN)
