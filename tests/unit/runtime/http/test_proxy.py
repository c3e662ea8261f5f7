import pytest

from keeptrusts.runtime.http.messages import Origin
from keeptrusts.runtime.http.proxy import parse_proxy


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://proxy.example:3128", "proxy.example", 3128),
        ("proxy.example:8080", "proxy.example", 8080),
        ("http://[::1]", "::1", 80),
    ],
)
def test_a_proxy_is_read_from_its_url(url, host, port):
    proxy = parse_proxy(url)
    assert (proxy.host, proxy.port, proxy.authorization) == (host, port, b"")


@pytest.mark.parametrize("url", ["https://user:secret@p", "socks5://user:secret@p", "http://"])
def test_other_proxies_are_refused_without_being_quoted(url):
    with pytest.raises(ValueError, match="proxy") as refused:
        parse_proxy(url)
    assert "secret" not in str(refused.value)


def test_the_credential_is_not_shown():
    proxy = parse_proxy("http://user:secret@proxy.example:3128")
    assert proxy.authorization.startswith(b"Basic ")
    assert "Basic" not in repr(proxy)
    assert "secret" not in repr(proxy)


@pytest.mark.parametrize(
    ("host", "no_proxy", "is_used"),
    [
        ("api.example", "", True),
        ("api.example", "*", False),
        ("api.example", "api.example", False),
        ("api.example", "example", False),
        ("api.example", " .Example , other", False),
        ("api.example", "*.example", False),
        ("notexample", "example", True),
        ("api.example", "pi.example", True),
        ("api.example", "api.example:443", False),
        ("api.example", "api.example:8443", True),
        ("10.1.2.3", "10.0.0.0/8", False),
        ("11.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", False),
        ("10.1.2.3", "2.3", True),
        ("2001:db8::1", "2001:db8::/32", False),
        ("2001:db8::1", "[2001:db8::1]:443", False),
        ("2001:db8::1", "2001:0db8::0001", False),
        ("api.example", "10.0.0.0/8,nonsense/99,", True),
        ("localhost", "", False),
        ("127.0.0.1", "", False),
        ("::1", "", False),
    ],
)
def test_hosts_are_exempted_by_the_usual_rules(host, no_proxy, is_used):
    assert parse_proxy("http://p:1", no_proxy).serves(Origin("https", host, 443)) is is_used


def test_plain_http_goes_direct():
    assert not parse_proxy("http://p:1").serves(Origin("http", "api.example", 80))
