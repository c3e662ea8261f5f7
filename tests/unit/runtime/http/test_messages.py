import pytest

from keeptrusts.runtime.http.messages import Origin, Timeouts, parse_origin


@pytest.mark.parametrize(
    ("url", "origin", "authority"),
    [
        ("https://api.Example.com/v1", Origin("https", "api.example.com", 443), "api.example.com"),
        ("http://localhost:8080", Origin("http", "localhost", 8080), "localhost:8080"),
        ("https://a.example:443", Origin("https", "a.example", 443), "a.example"),
        ("https://a.example:80", Origin("https", "a.example", 80), "a.example:80"),
        ("http://[::1]:9000/x", Origin("http", "::1", 9000), "[::1]:9000"),
        ("https://a.example.", Origin("https", "a.example", 443), "a.example"),
    ],
)
def test_an_origin_is_read_and_written(url, origin, authority):
    assert parse_origin(url) == origin
    assert origin.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a",
        "a.example",
        "https://",
        "https://user:secret@a",
        "https://a:0",
        "https://a:99999",
        "https://a b",
        "https://ä",
    ],
)
def test_other_urls_are_refused_without_being_quoted(url):
    with pytest.raises(ValueError, match=r"URL|[Pp]ort") as refused:
        parse_origin(url)
    assert "secret" not in str(refused.value)


def test_the_times_of_a_call_fit_in_its_whole_time():
    times = Timeouts()
    assert times.connect_s < times.idle_s <= times.first_byte_s <= times.total_s
