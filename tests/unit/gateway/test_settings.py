"""Settings: flags over environment over defaults, and messages that name the way out."""

from pathlib import Path

import pytest

from keeptrusts.gateway.http.limits import Limits
from keeptrusts.gateway.settings import (
    Address,
    InvalidSettings,
    default_state_root,
    find_plaintext_token,
    is_loopback,
    parse_address,
    parse_workers,
    read_environment,
    read_settings,
)

PACK = {"policy_config": Path("pack.yaml")}


def refused(environment, flags):
    with pytest.raises(InvalidSettings) as raised:
        read_settings(environment, flags)
    return str(raised.value)


def test_defaults():
    settings = read_settings({}, PACK)
    assert str(settings.listen) == "0.0.0.0:41002"
    assert (settings.fail_mode, settings.grace_s, settings.allow_anonymous) == ("block", 30.0, False)
    assert (settings.admin_listen, settings.tls_cert, settings.secrets_dir, settings.name) == (None,) * 4
    assert settings.state_root == default_state_root()


def test_the_environment_says_what_flags_do_not(tmp_path):
    environment = {
        "KEEPTRUSTS_POLICY_CONFIG": "from-environment.yaml",
        "KEEPTRUSTS_STATE_DIR": str(tmp_path),
        "KEEPTRUSTS_LISTEN": "127.0.0.1:1",
        "KEEPTRUSTS_ADMIN_LISTEN": "127.0.0.1:2",
        "KEEPTRUSTS_GATEWAY_NAME": "blue",
        "KEEPTRUSTS_CA_FILE": "/ca.pem",
        "KEEPTRUSTS_SECRETS_DIR": "/secrets",
        "KEEPTRUSTS_API_URL": "https://api.example",
        "HTTPS_PROXY": "http://proxy.example:3128",
        "NO_PROXY": "localhost",
    }
    settings = read_settings(environment, {"policy_config": None, "listen": None, "grace": None})
    assert settings.policy_config == Path("from-environment.yaml")
    assert settings.state_root == tmp_path
    assert (str(settings.listen), str(settings.admin_listen)) == ("127.0.0.1:1", "127.0.0.1:2")
    assert (settings.name, settings.api_url) == ("blue", "https://api.example")
    assert (settings.ca_file, settings.secrets_dir) == (Path("/ca.pem"), Path("/secrets"))
    assert (settings.https_proxy, settings.no_proxy) == ("http://proxy.example:3128", "localhost")


def test_flags_come_before_the_environment():
    environment = {"KEEPTRUSTS_POLICY_CONFIG": "other.yaml", "KEEPTRUSTS_LISTEN": "127.0.0.1:1"}
    settings = read_settings(environment, {**PACK, "listen": "127.0.0.1:9", "grace": 0, "fail_mode": "allow"})
    assert settings.policy_config == Path("pack.yaml")
    assert (settings.listen.port, settings.grace_s, settings.fail_mode) == (9, 0.0, "allow")


@pytest.mark.parametrize("name", ["https_proxy", "no_proxy"])
def test_proxies_may_be_named_in_lower_case(name):
    assert getattr(read_settings({name: "http://p:1"}, PACK), name) == "http://p:1"


def test_an_empty_variable_is_an_unset_one(monkeypatch):
    monkeypatch.setenv("KEEPTRUSTS_LISTEN", "")
    monkeypatch.setenv("KEEPTRUSTS_GATEWAY_NAME", "blue")
    environment = read_environment()
    assert "KEEPTRUSTS_LISTEN" not in environment
    assert environment["KEEPTRUSTS_GATEWAY_NAME"] == "blue"


def test_settings_show_no_credential():
    settings = read_settings({"OPENAI_KEY": "sk-canary", "HTTPS_PROXY": "http://user:canary@proxy:1"}, PACK)
    assert "canary" not in repr(settings)


def test_without_a_pack_the_message_names_the_flag_and_how_to_make_one():
    message = refused({}, {})
    assert "--policy-config" in message
    assert "kt init" in message


@pytest.mark.parametrize("given", [{"tls_cert": "c.pem"}, {"tls_key": "k.pem"}])
def test_a_certificate_and_its_key_go_together(given):
    message = refused({}, PACK | given)
    assert "--tls-cert" in message
    assert "--tls-key" in message


def test_an_unknown_fail_mode_names_those_that_there_are():
    message = refused({}, PACK | {"fail_mode": "alow"})
    assert "'alow'" in message
    assert "block or allow" in message


@pytest.mark.parametrize("grace", [-1, float("nan"), float("inf"), 1e9])
def test_a_grace_that_would_never_end_is_refused(grace):
    assert "--grace" in refused({}, PACK | {"grace": grace})


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:41002", Address("127.0.0.1", 41002)),
        ("localhost:0", Address("localhost", 0)),
        ("[::1]:41002", Address("::1", 41002)),
        ("[::]:65535", Address("::", 65535)),
        ("gateway.example:80", Address("gateway.example", 80)),
    ],
)
def test_addresses_read_back(text, address):
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    ["", ":", "41002", ":41002", "localhost", "localhost:", "localhost:http", "localhost:-1", "localhost:65536", "::1",
     "::1:41002", "[::1]", "[::1", "[]:1", "a b:1", "localhost:٣", "localhost:1 ", "http://localhost:1", "[::1]x:1"],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_an_example(text):
    with pytest.raises(InvalidSettings, match=r"HOST:PORT, such as 127\.0\.0\.1:41002") as raised:
        parse_address(text)
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize("flag", ["listen", "admin_listen"])
def test_addresses_are_judged_wherever_they_come_from(flag):
    assert "HOST:PORT" in refused({}, PACK | {flag: "nonsense"})
    assert "HOST:PORT" in refused({f"KEEPTRUSTS_{flag.upper()}": "nonsense"}, PACK)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.255.0.9", "::1"])
def test_addresses_that_only_this_machine_reaches(host):
    assert is_loopback(host)
    assert Address(host, 1).is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "localhost.example", "127.0.0.1.example", "", "1"])
def test_addresses_that_others_reach_too(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("variable", "flag", "is_on"),
    [(None, None, False), ("true", None, True), ("false", None, False), ("false", True, True), (None, True, True)],
)
def test_identity_headers_are_trusted_by_flag_or_variable(variable, flag, is_on):
    environment = {"KEEPTRUSTS_TRUST_IDENTITY_HEADERS": variable} if variable else {}
    assert read_settings(environment, PACK | {"trust_identity_headers": flag}).trust_identity_headers is is_on


def test_a_switch_that_is_neither_on_nor_off_is_refused():
    assert "true or false" in refused({"KEEPTRUSTS_TRUST_IDENTITY_HEADERS": "maybe"}, PACK)


TOKEN = {"KEEPTRUSTS_GATEWAY_TOKEN": "a-token-of-the-gateway"}
TLS = {"tls_cert": "c.pem", "tls_key": "k.pem"}


@pytest.mark.parametrize(
    ("environment", "flags", "where"),
    [
        (TOKEN, {}, "0.0.0.0:41002"),
        ({"KEEPTRUSTS_GATEWAY_TOKEN_FILE": "/token"}, {"listen": "[::]:1"}, "[::]:1"),
        ({"KEEPTRUSTS_METRICS_TOKEN": "a-token-for-watching"}, {}, "0.0.0.0:41002"),
        (TOKEN, {"listen": "127.0.0.1:1", "admin_listen": "10.0.0.1:2"}, "10.0.0.1:2"),
    ],
)
def test_a_token_over_plain_http_is_told_and_refused_where_tls_is_required(environment, flags, where):
    told = find_plaintext_token(read_settings(environment, PACK | flags))
    assert f"to {where} over plain http" in told
    message = refused(environment | {"KEEPTRUSTS_REQUIRE_TLS": "true"}, PACK | flags)
    assert told in message
    assert "--tls-cert" in message


@pytest.mark.parametrize(
    ("environment", "flags"), [({}, {}), (TOKEN, TLS), (TOKEN, {"listen": "127.0.0.1:1", "admin_listen": "[::1]:2"})]
)
def test_no_token_goes_over_plain_http_where_there_is_none_or_tls_or_only_this_machine(environment, flags):
    settings = read_settings(environment | {"KEEPTRUSTS_REQUIRE_TLS": "true"}, PACK | flags)
    assert settings.require_tls
    assert find_plaintext_token(settings) is None


def test_what_the_edge_holds_is_set_by_flag_or_variable():
    environment = {"KEEPTRUSTS_MAX_BUFFERED_BYTES": "1000", "KEEPTRUSTS_MAX_CONNECTIONS": "7"}
    edge = read_settings(environment, PACK | {"max_connections": 8, "max_connections_per_address": 3}).edge
    assert (edge.max_buffered_bytes, edge.max_connections, edge.max_connections_per_address) == (1000, 8, 3)
    assert read_settings({}, PACK).edge == Limits()


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5"])
def test_a_count_that_is_none_is_refused(value):
    assert "at least 1" in refused({"KEEPTRUSTS_MAX_CONNECTIONS": value}, PACK)


def test_the_number_of_workers_is_one_unless_told():
    assert read_settings({}, PACK).workers == 1
    assert read_settings({"KEEPTRUSTS_WORKERS": "3"}, PACK).workers == 3
    assert read_settings({"KEEPTRUSTS_WORKERS": "3"}, PACK | {"workers": "2"}).workers == 2
    assert parse_workers("auto") >= 1


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "", "257", "٣"])
def test_a_number_of_workers_that_cannot_be_is_refused(text):
    with pytest.raises(InvalidSettings, match="1 to 256, or auto"):
        parse_workers(text)
