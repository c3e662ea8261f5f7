import pytest

from keeptrusts.gateway.http.exchange import Head
from keeptrusts.gateway.http.repeats import recognize, remember

HEAD = b"POST /v1 HTTP/1.1\r\nHost: a\r\nContent-Length: %b\r\nX-A: 1\r\n\r\n"


def known(data: bytes = HEAD % b"5" + b"hello", length: bytes | None = b"5", **more: bytes):
    headers = {b"host": b"a", b"x-a": b"1", **{name.replace("_", "-").encode(): value for name, value in more.items()}}
    if length is not None:
        headers[b"content-length"] = length
    return remember(data, Head("POST", "/v1", b"q", headers, "192.0.2.1", is_tls=True))


@pytest.mark.parametrize("length", [0, 5, 6, 1000])
def test_the_same_head_is_recognized_with_any_length(length):
    data = HEAD % str(length).encode() + b"x" * length
    head, body = recognize(known(), data)
    assert (head.method, head.path, head.query, head.peer, head.is_tls) == ("POST", "/v1", b"q", "192.0.2.1", True)
    assert head.headers == {b"host": b"a", b"x-a": b"1", b"content-length": str(length).encode()}
    assert body == b"x" * length


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD % b"5" + b"hell",
        HEAD % b"5" + b"hello!",
        HEAD % b"" + b"",
        HEAD % b"+5" + b"hello",
        HEAD % b"5 " + b"hello",
        HEAD % b"0x5" + b"hello",
        HEAD % b"-0",
        HEAD % (b"0" * 20 + b"5") + b"hello",
        HEAD % b"\xd9\xa5" + b"hello",
        HEAD % b"5\r\nContent-Length: 5" + b"hello",
        HEAD % b"5" + b"hello" + HEAD % b"5" + b"hello",
        HEAD.replace(b"X-A: 1", b"X-A: 2") % b"5" + b"hello",
        HEAD.replace(b"/v1", b"/v2") % b"5" + b"hello",
    ],
)
def test_whatever_differs_is_not_recognized(data):
    assert recognize(known(), data) is None


def test_a_head_without_length_is_recognized_alone():
    data = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    repeat = known(data, None)
    assert recognize(repeat, data)[1] == b""
    assert recognize(repeat, data + b"x") is None
    assert recognize(repeat, data + data) is None
    assert recognize(repeat, data[:-1]) is None


@pytest.mark.parametrize("name", ["transfer_encoding", "content_encoding", "expect", "upgrade"])
def test_heads_that_frame_otherwise_are_not_remembered(name):
    assert known(**{name: b"x"}) is None


def test_heads_whose_bytes_are_not_clear_are_not_remembered():
    assert known(b"\r\n" + HEAD % b"5" + b"hello") is None
    assert known(HEAD % b"5" + b"hello", b"6") is None
    assert known(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n", None) is None


def test_heads_with_two_credentials_are_not_remembered():
    head = Head("GET", "/", b"", {b"host": b"a"}, "", is_tls=False)
    head.has_repeated_credentials = True
    assert remember(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", head) is None
