"""Which headers pass: canaries in everything else, in both directions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeptrusts.gateway.headers import (
    DOWN,
    DOWN_PREFIXES,
    UP,
    UP_PREFIX,
    answer_lines,
    request_lines,
)

KEPT_FROM_PROVIDERS = (
    b"authorization", b"proxy-authorization", b"x-api-key", b"api-key", b"x-goog-api-key", b"x-amz-security-token",
    b"ocp-apim-subscription-key", b"cookie", b"cookie2", b"x-auth-token", b"x-csrf-token", b"www-authenticate",
    b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-client-cert",
    b"x-real-ip", b"true-client-ip", b"cf-connecting-ip", b"x-client-ip", b"client-ip", b"x-envoy-external-address",
    b"openai-organization", b"openai-project", b"x-user-id", b"x-user-role", b"x-request-id", b"referer", b"origin",
    b"host", b"content-length", b"content-type", b"content-encoding", b"transfer-encoding", b"te", b"trailer",
    b"connection", b"keep-alive", b"upgrade", b"expect", b"accept-encoding", b"range", b"if-none-match", b"date",
    b"x-stainless", b"x-stainles-os", b"accept2", b"user-agent ", b"x-keeptrusts-config", b"http2-settings", b"",
)  # fmt: skip

KEPT_FROM_CLIENTS = (
    b"set-cookie", b"set-cookie2", b"alt-svc", b"openai-organization", b"openai-project", b"anthropic-organization-id",
    b"server", b"via", b"cf-ray", b"cf-cache-status", b"x-envoy-upstream-service-time", b"strict-transport-security",
    b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"content-encoding", b"trailer", b"upgrade",
    b"proxy-authenticate", b"proxy-connection", b"www-authenticate", b"location", b"date",
    b"access-control-allow-origin", b"x-ratelimit", b"content-security-policy",
    b"link", b"refresh", b"x-keeptrusts-decision", b"retry-after-", b"",
)  # fmt: skip


def names(lines):
    assert lines == b"" or lines.endswith(b"\r\n")
    return [line.partition(b": ")[0] for line in lines.split(b"\r\n")[:-1]]


def test_no_canary_goes_up():
    assert request_lines(dict.fromkeys(KEPT_FROM_PROVIDERS, b"canary")) == b""


def test_no_canary_comes_down():
    assert answer_lines(dict.fromkeys(KEPT_FROM_CLIENTS, b"canary")) == b""


def test_what_a_provider_may_see_goes_up_as_it_came():
    headers = {name: b"v-" + name for name in (*UP, b"x-stainless-os", b"x-stainless-retry-count")}
    assert request_lines(headers) == b"".join(b"%b: v-%b\r\n" % (name, name) for name in headers)


def test_what_a_client_may_see_comes_down_as_it_came():
    headers = {
        name: b"v-" + name for name in (*DOWN, b"x-ratelimit-remaining-tokens", b"anthropic-ratelimit-tokens-reset")
    }
    assert answer_lines(headers) == b"".join(b"%b: v-%b\r\n" % (name, name) for name in headers)


@pytest.mark.parametrize("name", [b"x-request-id", b"request-id"])
def test_the_providers_request_id_has_a_name_of_its_own(name):
    assert answer_lines({name: b"req_abc"}) == b"x-upstream-request-id: req_abc\r\n"


def test_a_header_that_the_target_sets_is_not_sent_twice():
    headers = {b"user-agent": b"theirs", b"anthropic-version": b"2020-01-01", b"accept": b"*/*"}
    assert names(request_lines(headers, frozenset({b"user-agent", b"anthropic-version"}))) == [b"accept"]


near = st.sampled_from(
    [*KEPT_FROM_PROVIDERS, *KEPT_FROM_CLIENTS, *UP, *DOWN, UP_PREFIX + b"x", DOWN_PREFIXES[0] + b"x"]
)
tokens = st.one_of(near, st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", max_size=20).map(str.encode))
values = st.text([chr(code) for code in range(32, 127)], max_size=20).map(str.encode)


@given(st.dictionaries(tokens, values, max_size=20))
def test_nothing_passes_that_is_on_no_list(headers):
    assert set(names(request_lines(headers))) <= {*UP, *(name for name in headers if name.startswith(UP_PREFIX))}
    passed = {*DOWN, b"x-upstream-request-id", *(name for name in headers if name.startswith(DOWN_PREFIXES))}
    assert set(names(answer_lines(headers))) <= passed
    for lines in (request_lines(headers), answer_lines(headers)):
        assert lines.count(b"\r") == lines.count(b"\n") == len(names(lines))


def test_a_providers_limits_are_left_out_where_they_would_contradict_ours():
    headers = {b"x-ratelimit-limit-requests": b"5", b"retry-after": b"3"}
    assert answer_lines(headers) == b"x-ratelimit-limit-requests: 5\r\nretry-after: 3\r\n"
    assert answer_lines(headers, with_limits=False) == b"retry-after: 3\r\n"


def test_a_percent_sign_in_a_name_is_a_percent_sign():
    assert request_lines({b"x-stainless-%s%%": b"%d", b"accept": b"%"}) == b"x-stainless-%s%%: %d\r\naccept: %\r\n"
