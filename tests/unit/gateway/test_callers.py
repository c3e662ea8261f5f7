"""Which key is this, and may it call: decided from headers alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.heads import make_head
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.keys import checksum_of
from keeptrusts.contract.secret import Secret
from keeptrusts.gateway.callers import (
    ANONYMOUS,
    MAX_RIGHT,
    AnonymousCallers,
    Caller,
    TokenCallers,
    check_token,
    list_credentials,
    make_callers,
)
from keeptrusts.gateway.settings import InvalidSettings

TOKEN = "a-token-of-the-gateway"
OTHER = "another-providers-key"


def make_key(name="c0123456789a"):
    text = f"kt_gk_{name}_{'s' * 43}"
    return text + checksum_of(text)


KEY = make_key()


def identify(callers, **headers):
    return callers.identify(make_head(**headers))


def refusal(callers, **headers):
    with pytest.raises(Fault) as refused:
        identify(callers, **headers)
    return refused.value


PLACEMENTS = [
    {"authorization": b"Bearer %b"},
    {"authorization": b"bearer %b"},
    {"authorization": b"BEARER   %b"},
    {"x_api_key": b"%b"},
    {"api_key": b"%b"},
]


@pytest.mark.parametrize("placement", PLACEMENTS, ids=str)
def test_a_key_counts_wherever_an_sdk_puts_it(placement):
    [(name, form)] = placement.items()
    assert identify(TokenCallers(Secret(TOKEN)), **{name: form % TOKEN.encode()}) == Caller(None)
    assert identify(TokenCallers(Secret(KEY)), **{name: form % KEY.encode()}) == Caller("gk_c0123456789a")
    fault = refusal(TokenCallers(Secret(TOKEN)), **{name: form % OTHER.encode()})
    assert fault.code is Code.INVALID_KEY
    assert OTHER not in fault.message


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": b"Basic dXNlcjpwYXNz"}, {"authorization": b"Bearer"}, {"authorization": b""},
                {"x_api_key": b""}, {"cookie": TOKEN.encode()}, {"x_goog_api_key": TOKEN.encode()}],
)  # fmt: skip
def test_no_key_is_told_from_a_wrong_one(headers):
    fault = refusal(TokenCallers(Secret(TOKEN)), **headers)
    assert fault.code is Code.MISSING_KEY
    assert "Authorization: Bearer" in fault.message
    assert "x-api-key" in fault.message


def test_the_same_key_twice_is_one_key():
    caller = identify(TokenCallers(Secret(TOKEN)), authorization=b"Bearer " + TOKEN.encode(), x_api_key=TOKEN.encode())
    assert caller == Caller(None)


@pytest.mark.parametrize("mine", ["authorization", "x_api_key", "api_key"])
def test_two_different_keys_are_refused_even_if_one_of_them_is_right(mine):
    others = {name: OTHER.encode() for name in ("x_api_key", "api_key") if name != mine}
    right = b"Bearer " + TOKEN.encode() if mine == "authorization" else TOKEN.encode()
    assert refusal(TokenCallers(Secret(TOKEN)), **others, **{mine: right}).code is Code.CONFLICTING_KEYS


def test_a_gateway_key_counts_before_a_providers_key_beside_it():
    headers = {"authorization": b"Bearer " + OTHER.encode(), "x_api_key": KEY.encode()}
    assert identify(TokenCallers(Secret(KEY)), **headers).key_id == "gk_c0123456789a"
    assert refusal(TokenCallers(Secret(OTHER)), **headers).code is Code.INVALID_KEY


def test_two_different_gateway_keys_are_refused():
    headers = {"authorization": b"Bearer " + KEY.encode(), "x_api_key": make_key("c0123456789b").encode()}
    assert refusal(TokenCallers(Secret(KEY)), **headers).code is Code.CONFLICTING_KEYS


def test_a_credential_header_that_came_twice_is_refused_even_if_right():
    fault = refusal(TokenCallers(Secret(TOKEN)), x_api_key=TOKEN.encode(), repeated=True)
    assert fault.code is Code.CONFLICTING_KEYS


@given(st.binary(max_size=40))
def test_no_other_bytes_are_taken_for_the_token(value):
    callers = TokenCallers(Secret(TOKEN))
    if value.strip() != TOKEN.encode():
        with pytest.raises(Fault):
            identify(callers, x_api_key=value, authorization=b"Bearer " + value)


@pytest.mark.parametrize("near", [TOKEN[:-1], TOKEN + "x", TOKEN.upper(), " " + TOKEN, TOKEN.replace("-", "_")])
def test_nearly_is_not_enough(near):
    assert refusal(TokenCallers(Secret(TOKEN)), x_api_key=near.encode()).code is Code.INVALID_KEY


def test_a_new_token_ends_the_old_one():
    callers = TokenCallers(Secret(TOKEN))
    callers.accept(Secret(KEY))
    assert identify(callers, api_key=KEY.encode()).key_id == "gk_c0123456789a"
    assert refusal(callers, api_key=TOKEN.encode()).code is Code.INVALID_KEY


@pytest.mark.parametrize(
    ("token", "why"), [("brief", "16 characters"), (KEY[:-1] + "x", "checksum"), (KEY[:-1], "expected")]
)
def test_a_token_that_cannot_be_right_is_refused_at_once_and_the_old_one_stays(token, why):
    callers = TokenCallers(Secret(TOKEN))
    with pytest.raises(InvalidSettings, match="KEEPTRUSTS_GATEWAY_TOKEN") as refused:
        callers.accept(Secret(token))
    assert why in str(refused.value)
    assert token not in str(refused.value)
    assert identify(callers, x_api_key=TOKEN.encode()) == Caller(None)


def test_a_gateway_key_of_either_kind_is_a_token():
    check_token(Secret(KEY))
    check_token(Secret(make_key("r0123456789a")))


def test_every_credential_of_a_request_is_found():
    head = make_head(authorization=b"Bearer a", x_api_key=b"b", api_key=b"c", proxy_authorization=b"Bearer d")
    assert list_credentials(head.headers) == [b"a", b"b", b"c"]


HERE = [b"localhost", b"LOCALHOST:41002", b"127.0.0.1:41002", b"127.8.9.1", b"[::1]", b"[::1]:41002"]
ELSEWHERE = [
    b"evil.example", b"evil.example:41002", b"127.0.0.1.evil.example", b"localhost.evil.example", b"10.0.0.1:41002",
    b"[::2]:41002", b"[2001:db8::1]", b"::1", b"0.0.0.0:41002", b"", b":41002", b"[", b"localhost\xff",
]  # fmt: skip


@pytest.mark.parametrize("host", HERE)
def test_on_loopback_callers_without_a_key_are_served_under_the_machines_own_names(host):
    assert identify(AnonymousCallers(loopback_only=True), host=host) is ANONYMOUS


@pytest.mark.parametrize("host", ELSEWHERE)
def test_a_browser_that_was_lured_to_another_name_for_this_machine_is_refused(host):
    fault = refusal(AnonymousCallers(loopback_only=True), host=host)
    assert fault.code is Code.FORBIDDEN
    assert "KEEPTRUSTS_GATEWAY_TOKEN" in fault.message
    assert identify(AnonymousCallers(loopback_only=False), host=host) is ANONYMOUS


def test_an_old_client_that_names_no_host_is_served():
    head = make_head()
    del head.headers[b"host"]
    assert AnonymousCallers(loopback_only=True).identify(head) is ANONYMOUS


def test_a_token_is_asked_for_wherever_there_is_one():
    for on_loopback in (True, False):
        for anonymous in (True, False):
            callers = make_callers(Secret(TOKEN), listens_on_loopback=on_loopback, allow_anonymous=anonymous)
            assert refusal(callers).code is Code.MISSING_KEY


def test_without_a_token_only_this_machine_is_served_unless_the_operator_says_otherwise():
    local = make_callers(None, listens_on_loopback=True, allow_anonymous=False)
    assert refusal(local, host=b"gateway.example").code is Code.FORBIDDEN
    open_to_all = make_callers(None, listens_on_loopback=False, allow_anonymous=True)
    assert identify(open_to_all, host=b"gateway.example") is ANONYMOUS


def test_a_gateway_that_anybody_could_use_does_not_start():
    with pytest.raises(InvalidSettings) as refused:
        make_callers(None, listens_on_loopback=False, allow_anonymous=False)
    for way_out in ("KEEPTRUSTS_GATEWAY_TOKEN", "127.0.0.1", "--allow-anonymous"):
        assert way_out in str(refused.value)


def test_whoever_holds_the_token_is_trusted_with_identity_headers_only_where_the_operator_says_so():
    for trusted in (True, False):
        callers = make_callers(
            Secret(TOKEN), listens_on_loopback=True, allow_anonymous=False, trust_identity_headers=trusted
        )
        assert identify(callers, x_api_key=TOKEN.encode()).trusts_identity_headers is trusted


def test_nobody_is_trusted_where_anybody_may_call():
    with pytest.raises(InvalidSettings, match="trust-identity-headers"):
        make_callers(None, listens_on_loopback=True, allow_anonymous=True, trust_identity_headers=True)


def test_a_value_that_was_found_right_counts_no_more_than_its_token():
    callers, right = TokenCallers(Secret(TOKEN)), b"Bearer " + TOKEN.encode()
    assert identify(callers, authorization=right) is identify(callers, authorization=right)
    assert refusal(callers, authorization=right, x_api_key=OTHER.encode()).code is Code.CONFLICTING_KEYS
    assert refusal(callers, authorization=right, api_key=OTHER.encode()).code is Code.CONFLICTING_KEYS
    repeated = make_head(authorization=right)
    repeated.has_repeated_credentials = True
    with pytest.raises(Fault):
        callers.identify(repeated)
    callers.accept(Secret("the-token-that-follows"))
    assert refusal(callers, authorization=right).code is Code.INVALID_KEY


def test_no_more_values_are_remembered_than_there_may_be():
    callers = TokenCallers(Secret(TOKEN))
    for _ in range(MAX_RIGHT + 2):
        assert identify(callers, authorization=b"".join([b"Bearer ", TOKEN.encode()])) == Caller(None)
    assert len(callers._right) == 2
