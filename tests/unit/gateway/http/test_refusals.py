import msgspec

from keeptrusts.gateway.http.refusals import INTERNAL, Malformed, overloaded, refuse, too_large


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
