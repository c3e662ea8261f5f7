"""What one worker opens, where it keeps its events, and the token it takes."""

from pathlib import Path

import pytest

from keeptrusts.contract.secret import Secret
from keeptrusts.gateway.callers import AnonymousCallers, TokenCallers
from keeptrusts.gateway.http.server import CannotListen, bind
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.serving import Place, bind_addresses, take_token
from keeptrusts.gateway.settings import read_settings
from keeptrusts.runtime.segments import SpoolLimits

NAME = "KEEPTRUSTS_GATEWAY_TOKEN"


def settings_of(**flags):
    return read_settings({}, {"policy_config": "pack.yaml", "listen": "127.0.0.1:0"} | flags)


def test_each_worker_has_a_spool_of_its_own_and_a_share_of_the_cap():
    place = Place(directory=Path("state"), instance_id="ins_1", boot_id="ab", index=3, workers=4)
    assert place.spool == Path("state/spool/3")
    assert place.spool_limits.max_bytes * 4 == SpoolLimits().max_bytes


def test_an_instance_binds_its_address_and_that_for_admin_calls():
    one = bind_addresses(settings_of())
    two = bind_addresses(settings_of(admin_listen="127.0.0.1:0"))
    assert (len(one), len(two)) == (1, 2)
    assert all(sock.getsockname()[1] for sock in (*one, *two))
    for sock in (*one, *two):
        sock.close()


def test_an_address_in_use_is_told_and_the_other_one_let_go():
    taken = bind("127.0.0.1", 0)
    port = taken.getsockname()[1]
    with pytest.raises(CannotListen, match="another process listens there"):
        bind_addresses(settings_of(admin_listen=f"127.0.0.1:{port}"))
    taken.close()


def test_a_token_is_taken_only_where_there_is_one_and_only_a_usable_one():
    callers = TokenCallers(Secret("the-first-token-of-it"))
    before = callers._fingerprint
    for environment in ({}, {NAME: "brief"}):
        take_token(callers, Secrets(environment, None), settings_of())
    assert callers._fingerprint == before
    take_token(callers, Secrets({NAME: "the-next-token-of-it"}, None), settings_of())
    assert callers._fingerprint != before
    take_token(AnonymousCallers(loopback_only=True), Secrets({NAME: "the-next-token-of-it"}, None), settings_of())
