"""An attempt at a target: what is sent, and what is learnt from how it went."""

import json

import pytest

from fakes.clock import FakeClock
from fakes.exchanges import MemoryClient, MemoryResponse
from fakes.heads import make_head
from fakes.packs import make_pack, make_snapshot, make_target
from fakes.records import make_record
from keeptrusts.contract.call import Route
from keeptrusts.contract.faults import Code
from keeptrusts.gateway.routing import Leg
from keeptrusts.gateway.upstream import MAX_REST_S, TRIGGERS, Attempt, compose, trigger_of
from keeptrusts.providers.catalog import dialect_of
from keeptrusts.runtime.http.errors import ConnectFailed

pytestmark = pytest.mark.anyio

AZURE = {"provider": "azure-openai", "base_url": "http://127.0.0.1:9"}
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
CHANGES = {("x",): "changed"}


class Shouting:
    """A translator whose calls say what they were given."""

    route = Route.MESSAGES

    def write_call(self, call, *, model, changes, max_output_tokens):
        return json.dumps([model, list(changes.values()), max_output_tokens]).encode()


def composed(target=None, *, route=Route.CHAT, body=None, translator=None, **head):
    snapshot = make_snapshot(make_pack(make_target(**target or {})))
    dialect = dialect_of(route)
    call = dialect.read_call(route, json.dumps(body or CHAT).encode(), b"application/json")
    leg = Leg(snapshot.targets[0], translator)
    changes = CHANGES if translator else {}
    return compose(make_record(snapshot=snapshot), leg, make_head(**head), dialect, call, changes)


def place_of(request):
    return request.head.split(b"\r\n")[0].split(b" ")[1].decode()


@pytest.mark.parametrize(
    ("query", "place"),
    [
        (b"", "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21"),
        (b"api-version=2025-04-01", "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2025-04-01"),
        (
            b"x-api-version=1",
            "/openai/deployments/gpt-4o-mini/chat/completions?x-api-version=1&api-version=2024-10-21",
        ),
        (b"a=b", "/openai/deployments/gpt-4o-mini/chat/completions?a=b&api-version=2024-10-21"),
    ],
)
def test_azures_deployment_is_in_the_path_and_its_version_in_the_query(query, place):
    request = composed(AZURE, query=query)
    assert place_of(request) == place
    assert b"api-key: sk-canary-credential\r\n" in request.head


def test_a_deployment_is_one_segment_of_the_path_whatever_its_name():
    request = composed(AZURE | {"model": "*"}, body=CHAT | {"model": "a/../b@x"})
    assert place_of(request) == "/openai/deployments/a%2F..%2Fb%40x/chat/completions?api-version=2024-10-21"


def test_responses_go_to_azures_newer_api():
    body = {"model": "gpt-4o-mini", "input": "hi"}
    request = composed(AZURE, route=Route.RESPONSES, body=body, query=b"api-version=2024-10-21&a=b")
    assert place_of(request) == "/openai/v1/responses?a=b"


@pytest.mark.parametrize(("query", "kept"), [(b"api-version=1", ""), (b"a=b&api-version=1&c=d", "?a=b&c=d")])
def test_azures_version_goes_to_nobody_else(query, kept):
    assert place_of(composed(query=query)) == "/v1/chat/completions" + kept


def test_a_translated_call_is_what_its_translator_wrote_without_headers_of_the_other_dialect():
    target = {"format": "anthropic", "max_output_tokens": 5}
    request = composed(target, translator=Shouting(), openai_beta=b"x", user_agent=b"sdk/1")
    assert place_of(request) == "/v1/messages"
    assert json.loads(request.body) == ["gpt-4o-mini", ["changed"], 5]
    assert b"anthropic-version: 2023-06-01\r\n" in request.head
    assert b"user-agent: sdk/1\r\n" in request.head
    assert b"openai-beta" not in request.head


@pytest.mark.parametrize(
    ("status", "trigger"),
    [
        *[(200, None), (400, None), (404, None), (429, "rate_limit"), (408, "timeout"), (504, "timeout")],
        *[(500, "server_error"), (529, "server_error"), (401, "server_error"), (403, "server_error")],
    ],
)
def test_which_statuses_are_a_reason_to_try_another_target(status, trigger):
    assert trigger_of(status) == trigger


def test_failures_that_are_the_clients_or_the_packs_are_no_reason():
    for code in (Code.INVALID_REQUEST, Code.OUTPUT_BLOCKED, Code.RESPONSE_TOO_LARGE, Code.AUDIT_UNAVAILABLE):
        assert code not in TRIGGERS


async def attempted(*answers, **providers):
    """An attempt at the only target of a pack, and what came of it; and the time."""
    snapshot = make_snapshot(make_pack(providers=providers))
    clock, record = FakeClock(), make_record(snapshot=snapshot)
    one = Attempt(clock, record, snapshot.targets[0])
    try:
        one.hear(await MemoryClient(*answers).send(None))
    except ConnectFailed as failure:
        one.judge(TRIGGERS[one.miss(failure).code])
    return one, clock.monotonic()


@pytest.mark.parametrize(
    ("status", "retry_after", "rest_s"),
    [
        *[(429, b"7", 7), (503, b"0.5", 0.5), (529, b"99999", MAX_REST_S), (429, b"", 0), (429, b"soon", 0)],
        *[(429, b"-3", 0), (429, b"nan", 0), (500, b"7", 0), (429, b"12:00", 0)],
        (429, b"Mon, 23 Nov 2026 14:00:07 GMT", 6.876543),
    ],
)
async def test_a_rest_that_a_target_asks_for_is_noted(status, retry_after, rest_s):
    one, now = await attempted(MemoryResponse(status=status, retry_after=retry_after))
    assert max(0, one.target.counters.rests_until - now) == pytest.approx(rest_s, abs=1e-5)


async def test_what_ends_an_attempt_is_counted_and_told_to_the_breaker():
    one, _ = await attempted(ConnectFailed("no"), circuit_breaker={"failure_threshold": 1})
    assert one.target.counters.open == 1
    one.end()
    counters = one.target.counters
    assert (counters.open, counters.requests, counters.failures, counters.breaker.failures) == (0, 1, 1, 1)


async def test_a_breaker_that_opens_or_closes_is_logged_once(caplog):
    caplog.set_level("INFO")
    rule = {"failure_threshold": 1, "cooldown_seconds": 30}
    one, _ = await attempted(ConnectFailed("no"), circuit_breaker=rule)
    one.end()
    for succeeded in (False, True, True):
        probe = Attempt(one._clock, one._record, one.target)
        probe.succeeded = succeeded
        probe.end()
    said = [(record.message, record.facts["target"]) for record in caplog.records if "breaker" in record.message]
    assert said == [("circuit breaker opened", one.target.id), ("circuit breaker closed", one.target.id)]


async def test_that_a_target_is_busy_is_an_error_and_nothing_against_it():
    one, _ = await attempted(MemoryResponse(status=429), circuit_breaker={"failure_threshold": 1})
    one.judge("rate_limit")
    one.end()
    assert (one.target.counters.failures, one.target.counters.breaker.failures) == (1, 0)
    assert one.response.is_aborted


async def test_a_client_that_leaves_says_nothing_about_the_target():
    one, _ = await attempted(MemoryResponse(), circuit_breaker={"failure_threshold": 1})
    one.end()
    assert (one.target.counters.failures, one.target.counters.breaker.failures) == (0, 0)
