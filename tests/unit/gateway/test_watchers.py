"""Who may see how the gateway is."""

import pytest

from fakes.heads import make_head
from keeptrusts.contract.secret import Secret
from keeptrusts.gateway.callers import AnonymousCallers, TokenCallers
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.settings import InvalidSettings
from keeptrusts.gateway.watchers import Watchers

OWN, METRICS = "a-token-of-the-gateway", "a-token-for-prometheus"
WATCHERS = Watchers(TokenCallers(Secret(OWN)), Secrets({"KEEPTRUSTS_METRICS_TOKEN": METRICS}, None))


def bearer(token):
    return {"authorization": f"Bearer {token}".encode()}


@pytest.mark.parametrize(
    ("options", "may"),
    [
        ({"peer": "127.0.0.1"}, True),
        ({"peer": "::1"}, True),
        ({"peer": "10.0.0.1"}, False),
        ({"peer": "10.0.0.1"} | bearer(METRICS), True),
        ({"peer": "10.0.0.1", "x_api_key": METRICS.encode()}, True),
        ({"peer": "10.0.0.1"} | bearer(OWN), True),
        ({"peer": "10.0.0.1"} | bearer("a-wrong-token-of-a-stranger"), False),
        ({"peer": "10.0.0.1", "x_api_key": b"something-else"} | bearer(METRICS), False),
        ({"peer": "10.0.0.1", "repeated": True} | bearer(METRICS), False),
    ],
)
def test_details_are_for_this_machine_and_for_holders_of_a_token(options, may):
    assert WATCHERS.admit(make_head("GET", "/metrics", **options)) is may


def test_a_gateway_without_tokens_tells_details_on_this_machine_only():
    watchers = Watchers(AnonymousCallers(loopback_only=False), Secrets({}, None))
    assert watchers.admit(make_head("GET", peer="127.0.0.1"))
    assert not watchers.admit(make_head("GET", peer="10.0.0.1", **bearer(METRICS)))


def test_a_token_in_a_file_counts_as_soon_as_it_is_written(tmp_path):
    file = tmp_path / "token"
    secrets = Secrets({"KEEPTRUSTS_METRICS_TOKEN_FILE": str(file)}, None)
    watchers = Watchers(AnonymousCallers(loopback_only=False), secrets)
    head = make_head("GET", peer="10.0.0.1", **bearer(METRICS))
    assert not watchers.admit(head)
    file.write_text(f"{METRICS}\n")
    assert watchers.admit(head)


def test_a_short_token_is_refused_at_start():
    with pytest.raises(InvalidSettings, match="KEEPTRUSTS_METRICS_TOKEN is too short"):
        Watchers(AnonymousCallers(loopback_only=False), Secrets({"KEEPTRUSTS_METRICS_TOKEN": "short"}, None))
