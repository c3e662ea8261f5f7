"""Targets, ready to be called: the head of each request, credential included."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.packs import ENVIRONMENT, make_pack, make_target
from keeptrusts.config.problems import InvalidPack
from keeptrusts.gateway import targets
from keeptrusts.gateway.secrets import Secrets
from keeptrusts.gateway.targets import TargetCounters
from keeptrusts.policies.catalog import load_pack
from keeptrusts.runtime.http.messages import Origin

SECRET = ENVIRONMENT["OPENAI_KEY"]


def made(*, environment=ENVIRONMENT, counters=None, **changes):
    [spec] = load_pack(make_pack(make_target(**changes))).providers.targets
    return targets.make_target(spec, Secrets(environment, None), counters or {})


def head(**changes):
    return made(**changes).head.decode().split("\r\n")


def test_an_openai_target_sends_its_credential_as_a_bearer_token():
    assert head() == ["host: 127.0.0.1:9", f"authorization: Bearer {SECRET}", ""]


def test_an_anthropic_target_sends_its_credential_as_its_sdk_does():
    assert head(provider="anthropic", base_url=None) == ["host: api.anthropic.com", f"x-api-key: {SECRET}", ""]


def test_a_pack_may_say_how_the_credential_is_sent_and_what_else():
    lines = head(api_key_header="Api-Key", headers={"OpenAI-Organization": "org-1", "X-Team": "blue team"})
    assert lines[1:] == [f"api-key: {SECRET}", "openai-organization: org-1", "x-team: blue team", ""]
    assert head(api_key_prefix="Token ")[1] == f"authorization: Token {SECRET}"


def test_the_names_of_its_headers_are_known_so_that_a_client_cannot_add_to_them():
    assert made(headers={"User-Agent": "ours"}).declared == {b"authorization", b"user-agent"}


@pytest.mark.parametrize(
    ("base_url", "origin", "path"),
    [
        ("http://127.0.0.1:9", Origin("http", "127.0.0.1", 9), b"/v1/"),
        ("https://llm.example/", Origin("https", "llm.example", 443), b"/v1/"),
        ("https://LLM.example/v1", Origin("https", "llm.example", 443), b"/v1/"),
        ("https://llm.example:8443/openai/v2beta/", Origin("https", "llm.example", 8443), b"/openai/v2beta/"),
        ("http://[::1]:9/v1", Origin("http", "::1", 9), b"/v1/"),
    ],
)
def test_where_it_is_called(base_url, origin, path):
    target = made(base_url=base_url)
    assert (target.origin, target.path) == (origin, path)


def test_its_price_is_the_listed_one_of_its_own_model_or_of_the_one_asked_for():
    assert made().price_of("small") == made().price_of("gpt-4o") == made().price
    assert made(model="*").price_of("gpt-4o-mini") == made().price
    assert made(model="*").price_of("nobodys-model") is None


def test_its_price_is_what_the_pack_says_whatever_is_asked_for():
    target = made(model="*", price={"input_per_mtok_usd": 2})
    assert target.price_of("nobodys-model").steps[0][1].input == 2_000_000
    assert target.price_of("gpt-4o-mini").steps[0][1].input == 2_000_000


def test_names_and_patterns_say_which_models_it_answers_to():
    target = made(aliases=["small", "gpt-4.1*", "*-latest"])
    for model in ("gpt-4o-mini", "small", "gpt-4.1", "gpt-4.1-nano", "o9-latest"):
        assert target.answers(model)
        assert target.upstream_model(model) == "gpt-4o-mini"
    for model in ("smaller", "gpt-4x1", "x-gpt-4.1", "latest", "gpt-4o-mini\n", "GPT-4.1"):
        assert not target.answers(model)


def test_a_star_passes_any_model_through():
    target = made(model="*", aliases=["small"])
    assert target.answers("whatever")
    assert target.upstream_model("whatever") == "whatever"
    assert target.names == {"small"}


def test_without_its_secret_a_target_is_not_to_be_called():
    target = made(environment={})
    assert not target.has_credential
    assert target.head == b"host: 127.0.0.1:9\r\n"


def test_a_target_that_names_no_secret_needs_none():
    target = made(secret_key_ref=None, provider="local")
    assert target.has_credential
    assert target.head == b"host: 127.0.0.1:9\r\n"


def test_a_secret_that_would_frame_the_request_is_no_secret():
    target = made(environment={"OPENAI_KEY": "x\r\nHost: evil"})
    assert not target.has_credential
    assert b"evil" not in target.head


def test_counters_of_a_target_that_stays_are_kept():
    kept = TargetCounters(requests=7)
    assert made(counters={"main": kept}).counters is kept
    assert made(counters={"other": kept}).counters == TargetCounters()


def test_the_credential_is_not_shown():
    assert SECRET not in repr(made())


def test_timeouts_are_those_of_the_pack():
    limits = made(timeouts={"connect_s": 1, "first_byte_s": 2, "idle_s": 3, "total_s": 4}).timeouts
    assert (limits.connect_s, limits.first_byte_s, limits.idle_s, limits.total_s) == (1, 2, 3, 4)


odd = st.text([chr(code) for code in range(256)], min_size=1, max_size=8)
likely = st.sampled_from(["\r\n", "\n", "\r", "\0", ": ", "Host", "Transfer-Encoding", "x", " ", "\t", "\x7f", "é"])
mixed = st.lists(st.one_of(odd, likely), max_size=3).map("".join)


@given(name=mixed, prefix=mixed, header=mixed, value=mixed, secret=mixed)
def test_nothing_that_a_pack_or_a_secret_says_frames_a_request(name, prefix, header, value, secret):
    try:
        target = made(
            environment={"OPENAI_KEY": secret}, api_key_header=name, api_key_prefix=prefix, headers={header: value}
        )
    except InvalidPack:
        return
    lines = target.head.split(b"\r\n")
    assert lines.pop() == b""
    assert len(lines) == 2 + target.has_credential
    names = [line.partition(b": ")[0] for line in lines]
    assert names[0] == b"host"
    assert not {b"host", b"transfer-encoding", b"content-length", b"connection"} & set(names[1:])
    assert b"\r" not in b"".join(lines)
    assert b"\n" not in b"".join(lines)


parts = [
    "http://",
    "https://",
    "[",
    "]",
    "::1",
    ":",
    "99999",
    "0",
    "80",
    "a.b",
    "..",
    "/",
    "v1",
    "%",
    "@",
    "?",
    "#",
    "é",
]
urls = st.lists(st.sampled_from(parts), max_size=7).map("".join)


@given(urls)
def test_an_address_that_was_accepted_can_be_called(base_url):
    try:
        target = made(base_url=base_url)
    except InvalidPack:
        return
    assert target.origin.host
    assert 0 < target.origin.port < 65536
