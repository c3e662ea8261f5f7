"""Identity headers: who may use them, and what may stand in them."""

import pytest

from fakes.heads import make_head
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.identity import Identity
from keeptrusts.gateway.callers import Caller
from keeptrusts.gateway.identity import identity_headers, name_caller

TRUSTED = Caller("gk_c1", Identity(role="service"), trusts_identity_headers=True)
NAMES = identity_headers(["X-Team"], ["x-user-id"])


def name(caller, **headers):
    return name_caller(caller, make_head(**headers).headers, NAMES)


def test_two_headers_always_count_and_others_where_a_pack_names_them():
    assert identity_headers() == (b"x-user-id", b"x-user-role")
    assert NAMES == (b"x-user-id", b"x-user-role", b"x-team")


def test_an_ordinary_caller_is_who_its_key_says_whatever_it_sends():
    caller = Caller("gk_c1", Identity(role="viewer"))
    assert name(caller, x_user_id=b"ceo", x_user_role=b"admin") is caller
    assert name(caller, x_user_id=b"\xff\xff") is caller


def test_a_trusted_caller_says_for_whom_it_calls():
    caller = name(TRUSTED, x_user_id=b'a"b\\c', x_user_role=b"admin", x_team=b"red", x_other=b"1")
    assert caller.identity == Identity(user='a"b\\c', role="admin", headers={"x-team": "red"})
    assert caller.key_id == "gk_c1"


def test_what_it_does_not_say_stays_what_its_key_says():
    assert name(TRUSTED, x_user_id=b"u-1").identity == Identity(user="u-1", role="service")
    assert name(TRUSTED) is TRUSTED
    assert name(TRUSTED, x_user_role=b"") is TRUSTED


@pytest.mark.parametrize("value", [b"two words", b"a, b", b"\xc3\xa9", b"x" * 129, b"tab\there", b"\x7f"])
def test_a_value_that_could_not_stand_in_an_event_is_refused(value):
    with pytest.raises(Fault) as refused:
        name(TRUSTED, x_user_role=value)
    assert (refused.value.code, refused.value.param) == (Code.INVALID_REQUEST, "x-user-role")
