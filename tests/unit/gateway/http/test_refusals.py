import msgspec

from fakes.exchanges import make_exchange
from keeptrusts.gateway.http.exchange import BodyRule, refuse_exchange
from keeptrusts.gateway.http.refusals import INTERNAL, Malformed, Refusal, overloaded, refuse, too_large


def test_a_refusal_has_the_shape_that_sdks_read():
    refusal = refuse(Malformed("no", code="some_code", status=415))
    assert refusal.status == 415
    assert msgspec.json.decode(refusal.body) == {
        "error": {"message": "no", "type": "invalid_request_error", "param": None, "code": "some_code"}
    }


def test_only_an_overload_invites_to_try_again():
    assert refuse(overloaded("x")).headers.endswith(b"retry-after: 1\r\n")
    assert refuse(too_large(5)).headers.endswith(b"x-should-retry: false\r\n")
    assert msgspec.json.decode(refuse(overloaded("x")).body)["error"]["type"] == "server_error"


def test_our_own_failure_says_nothing_of_its_reason():
    assert INTERNAL.status == 500
    assert b"internal_error" in INTERNAL.body


def test_a_method_that_no_path_takes_is_told_those_that_some_take():
    assert b"allow: GET, HEAD, POST\r\n" in refuse(Malformed("no", code="method_not_allowed", status=405)).headers
    assert b"allow" not in refuse(too_large(5)).headers


class OwnWords(BodyRule):
    """A rule that refuses by itself."""

    def refuse(self, head, malformed):
        return Refusal(malformed.status, b"", head.path.encode())


def test_who_let_a_request_in_refuses_its_body_in_words_of_its_own():
    exchange, _ = make_exchange(rule=OwnWords(5))
    assert refuse_exchange(exchange, too_large(5)) == Refusal(413, b"", exchange.head.path.encode())


def test_where_nobody_has_words_of_their_own_the_edge_refuses():
    plain, _ = make_exchange(rule=BodyRule(5))
    unruled, _ = make_exchange()
    for exchange in (plain, unruled, None):
        assert refuse_exchange(exchange, too_large(5)) == refuse(too_large(5))
