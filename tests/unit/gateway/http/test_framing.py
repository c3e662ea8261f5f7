import pytest

from keeptrusts.gateway.http.framing import check_coding, check_host, check_repeated, split_target
from keeptrusts.gateway.http.refusals import Malformed


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", "/", b""),
        (b"/v1/models", "/v1/models", b""),
        (b"/v1/models?", "/v1/models", b""),
        (b"/a?b=c?d", "/a", b"b=c?d"),
        (b"/%2e%2e/x", "/%2e%2e/x", b""),
        (b"//x", "//x", b""),
        (b"http://a.example", "/", b""),
        (b"https://A.Example/v1?q", "/v1", b"q"),
    ],
)
def test_a_target_is_split_and_not_decoded(target, path, query):
    assert split_target(target, b"a.example") == (path, query)


@pytest.mark.parametrize(
    "target", [b"", b"*", b"a", b"a:443", b"http://b/", b"http:/a/", b"/#", b"/\xff", b"file:///x"]
)
def test_other_targets_are_refused(target):
    with pytest.raises(Malformed):
        split_target(target, b"a.example")


@pytest.mark.parametrize("host", [b"a", b"a.example:8080", b"127.0.0.1:1", b"[::1]", b"[2001:db8::1]:443", b"a_b.c"])
def test_hosts_with_and_without_port_are_right(host):
    check_host(host, is_1_1=True)


@pytest.mark.parametrize("host", [None, b"", b"a b", b"a,b", b"u@a", b"a/", b"a:b", b"a:123456", b"[::1", b"::1"])
def test_other_hosts_are_refused(host):
    with pytest.raises(Malformed):
        check_host(host, is_1_1=True)


def test_http_1_0_may_go_without_a_host():
    check_host(None, is_1_1=False)


@pytest.mark.parametrize(("coding", "is_1_1"), [(b"gzip, chunked", True), (b"", True), (b"chunked", False)])
def test_only_chunked_on_1_1_is_a_coding(coding, is_1_1):
    check_coding(b"Chunked", is_1_1=True)
    with pytest.raises(Malformed):
        check_coding(coding, is_1_1=is_1_1)


def test_fields_that_decide_may_come_only_once():
    assert check_repeated(b"authorization")
    assert not check_repeated(b"accept")
    for name in (b"host", b"content-type", b"content-encoding", b"content-length", b"transfer-encoding", b"expect"):
        with pytest.raises(Malformed):
            check_repeated(name)
