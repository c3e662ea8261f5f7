"""The path of a call, from its key to its event."""

import asyncio
import json

import pytest

from fakes.clients import streamed_text
from fakes.exchanges import MemoryResponse, make_exchange
from fakes.gateways import open_memory_gateway
from fakes.heads import make_head
from fakes.packs import make_pack, make_snapshot, make_target
from fakes.policies import BLOCK, WordPolicy
from keeptrusts.contract.call import Route
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.secret import Secret
from keeptrusts.gateway.callers import ANONYMOUS, TokenCallers
from keeptrusts.gateway.pipeline import Admission
from keeptrusts.gateway.routing import Leg
from keeptrusts.runtime.http.errors import ConnectFailed, ConnectionLost, Phase, TimedOut, Truncated

pytestmark = pytest.mark.anyio

POLICY = WordPolicy({"secret": "[S]", "stop!": BLOCK}, kind="words")
REPLY = json.dumps(
    {"id": "c", "choices": [{"index": 0, "message": {"role": "assistant", "content": "a secret"}}]}
).encode()


def chat(text="hello", **more):
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]} | more


def answer(**headers):
    return MemoryResponse(REPLY, **headers)


def admitted(gateway, **head):
    return gateway.pipeline.admit(Route.CHAT, make_head(**head))


async def test_a_call_goes_through_key_policies_provider_and_event(tmp_path):
    async with open_memory_gateway(tmp_path, answer(), policies=[POLICY]) as gateway:
        line = await gateway.ask(tree=chat("my secret"), x_request_id=b"mine-1")
        [request], [event] = gateway.client.requests, gateway.events()
    assert json.loads(request.body)["messages"][0]["content"] == "my [S]"
    assert json.loads(line.body)["choices"][0]["message"]["content"] == "a [S]"
    assert (event.decision, event.status, event.client_request_id) == ("redact", 200, "mine-1")
    assert [(outcome.phase, outcome.findings) for outcome in event.policies] == [
        ("input", {"secret": 1}),
        ("output", {"secret": 1}),
    ]
    assert line.headers["x-request-id"] == event.request_id
    assert [(attempt.target_id, attempt.status) for attempt in event.attempts] == [("main", 200)]


async def test_a_large_body_is_served_like_a_small_one(tmp_path):
    long = "all is well " * 40_000
    async with open_memory_gateway(tmp_path, answer(), policies=[POLICY]) as gateway:
        await gateway.ask(tree=chat(long + "secret", n=1))
        [request], [event] = gateway.client.requests, gateway.events()
    assert json.loads(request.body) == chat(long + "[S]", n=1)
    assert (event.decision, event.status) == ("redact", 200)


async def test_a_body_of_too_many_values_is_refused_with_its_event(tmp_path):
    async with open_memory_gateway(tmp_path, answer(), policies=[POLICY]) as gateway:
        line = await gateway.ask(tree=chat(stop=["x"] * 260_000))
        [event] = gateway.events()
    assert (line.status, json.loads(line.body)["error"]["code"]) == (400, "too_many_values")
    assert event.error_code == "too_many_values"


async def test_what_is_not_changed_goes_up_byte_for_byte(tmp_path):
    async with open_memory_gateway(tmp_path, answer(), policies=[POLICY]) as gateway:
        head = make_head(content_type=b"application/json")
        body = b'{ "model": "gpt-4o-mini",\n "messages": [ {"role":"user", "content": "hi \\u00e9"} ] }'
        exchange, _ = make_exchange(head, body)
        await gateway.pipeline.serve(exchange, gateway.pipeline.admit(Route.CHAT, head))
        assert gateway.client.requests[0].body == body


async def test_no_canary_of_the_client_goes_up(tmp_path):
    token = Secret("canary-the-gateway-token")
    names = ["x_api_key", "cookie", "openai_organization", "openai_project", "x_forwarded_for", "proxy_authorization"]
    headers = dict.fromkeys(names[1:], b"canary") | {"authorization": b"Bearer canary-the-gateway-token"}
    headers |= {"x_api_key": b"canary-the-gateway-token", "user_agent": b"sdk/1"}
    async with open_memory_gateway(tmp_path, answer(), callers=TokenCallers(token)) as gateway:
        line = await gateway.ask(tree=chat(), query=b"beta=true", **headers)
        [request] = gateway.client.requests
    assert line.status == 200
    assert b"canary" not in request.head.replace(b"sk-canary-credential", b"")
    assert request.head == (
        b"POST /v1/chat/completions?beta=true HTTP/1.1\r\nhost: 127.0.0.1:9\r\n"
        b"authorization: Bearer sk-canary-credential\r\nuser-agent: sdk/1\r\n"
        b"content-type: application/json\r\naccept-encoding: gzip, zstd\r\n"
    )


async def test_an_alias_becomes_the_targets_model_and_a_stream_asks_for_usage_uncompressed(tmp_path):
    content = make_pack(make_target(aliases=["small"]))
    sent = MemoryResponse(b"data: [DONE]\n\n", content_type=b"text/event-stream")
    async with open_memory_gateway(tmp_path, sent, content=content) as gateway:
        await gateway.ask(tree=chat(stream=True) | {"model": "small"})
        [request] = gateway.client.requests
        assert gateway.events()[0].model == "small"
    body = json.loads(request.body)
    assert (body["model"], body["stream_options"]) == ("gpt-4o-mini", {"include_usage": True})
    assert b"accept-encoding: identity\r\n" in request.head


async def test_the_open_record_stands_before_the_call_goes_upstream(tmp_path):
    seen = []
    async with open_memory_gateway(tmp_path) as gateway:

        async def look():
            seen.extend(gateway.opened())
            return answer()

        gateway.client.answers.append(look())
        await gateway.ask(tree=chat())
        assert [(record.target_id, record.model) for record in seen] == [("main", "gpt-4o-mini")]
        assert [event.request_id for event in gateway.events()] == [seen[0].request_id]


async def test_a_blocked_call_never_reaches_the_provider(tmp_path):
    async with open_memory_gateway(tmp_path, policies=[POLICY]) as gateway:
        line = await gateway.ask(tree=chat("do stop! it"))
        [event] = gateway.events()
        assert (gateway.client.requests, gateway.opened()) == ([], [])
    error = json.loads(line.body)["error"]
    assert (line.status, error["code"], error["policy"]) == (400, "input_blocked", "words")
    assert error["param"] == "messages[0].content"
    assert (event.decision, event.reason_code, event.status) == ("block", "word_found", 400)
    assert (event.usage.input_tokens, event.attempts) == (0, ())


async def test_what_the_pack_does_not_let_clients_ask_for_is_a_block_in_the_event(tmp_path):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    async with open_memory_gateway(tmp_path, policies=[POLICY]) as gateway:
        line = await gateway.ask(tree=chat() | {"messages": [{"role": "user", "content": [image]}]})
        [event] = gateway.events()
    assert json.loads(line.body)["error"]["code"] == "content_not_inspectable"
    assert (event.decision, event.reason_code) == ("block", "content_not_inspectable")


@pytest.mark.parametrize(
    ("tree", "code", "status"),
    [
        ({"model": "nope", "messages": []}, "model_not_found", 404),
        ({"messages": []}, "invalid_request", 400),
        ([], "invalid_json", 400),
    ],
)
async def test_a_call_that_cannot_be_served_is_refused_and_recorded(tmp_path, tree, code, status):
    async with open_memory_gateway(tmp_path) as gateway:
        line = await gateway.ask(tree=tree)
        [event] = gateway.events()
    assert line.status == event.status == status
    assert event.decision == "allow"
    assert json.loads(line.body)["error"]["code"] == event.error_code
    assert event.error_code == code


@pytest.mark.parametrize(
    ("failure", "code", "status", "is_reachable"),
    [
        (ConnectFailed("canary"), "upstream_unreachable", 502, False),
        (TimedOut(Phase.CONNECT, "canary"), "upstream_unreachable", 502, False),
        (TimedOut(Phase.FIRST_BYTE, "canary"), "upstream_timeout", 504, True),
        (ConnectionLost("canary"), "upstream_error", 502, True),
    ],
)
async def test_a_provider_that_fails_is_told_recorded_and_counted(tmp_path, failure, code, status, is_reachable):
    async with open_memory_gateway(tmp_path, failure) as gateway:
        line = await gateway.ask(tree=chat())
        [event], counters = gateway.events(), gateway.active.current().targets[0].counters
    assert (line.status, json.loads(line.body)["error"]["code"], event.error_code) == (status, code, code)
    assert b"canary" not in line.sent
    assert [(attempt.target_id, attempt.status) for attempt in event.attempts] == [("main", None)]
    assert (counters.requests, counters.failures, counters.open, counters.last_status) == (1, 1, 0, None)
    assert counters.is_reachable is is_reachable


async def test_a_provider_that_answers_again_is_reachable_again(tmp_path):
    async with open_memory_gateway(tmp_path, ConnectFailed("x"), answer()) as gateway:
        counters = gateway.active.current().targets[0].counters
        await gateway.ask(tree=chat())
        await gateway.ask(tree=chat())
    assert (counters.is_reachable, counters.requests, counters.failures, counters.last_status) == (True, 2, 1, 200)


async def test_a_client_that_leaves_is_recorded_and_is_not_the_providers_failure(tmp_path):
    async with open_memory_gateway(tmp_path) as gateway:
        gateway.client.answers.append(asyncio.Event().wait())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await gateway.ask(tree=chat())
        [event], counters = gateway.events(), gateway.active.current().targets[0].counters
    assert (event.error_code, event.status, event.decision) == ("client_disconnected", None, "allow")
    assert (counters.failures, counters.open, gateway.gauges.in_flight) == (0, 0, 0)


async def test_a_client_that_leaves_a_stream_ends_the_call_upstream(tmp_path):
    event = b'data: {"choices": [{"index": 0, "delta": {"content": "x"}}]}\n\n'
    sent = MemoryResponse(event, asyncio.Event().wait(), content_type=b"text/event-stream")
    async with open_memory_gateway(tmp_path, sent) as gateway:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await gateway.ask(tree=chat(stream=True))
        [event] = gateway.events()
    assert sent.is_aborted
    assert (event.error_code, event.status, event.usage.estimated) == ("client_disconnected", 200, True)
    assert gateway.active.current().targets[0].counters.open == 0


async def test_an_error_of_our_own_is_recorded_as_one(tmp_path):
    async with open_memory_gateway(tmp_path, answer()) as gateway:
        gateway.client.send = None
        line = await gateway.ask(tree=chat())
        [event] = gateway.events()
    assert (event.status, event.error_code) == (500, "internal_error")
    assert line.status == 500
    assert b'"code":"internal_error"' in line.sent
    assert gateway.gauges.in_flight == 0


async def test_a_call_keeps_the_configuration_that_it_was_admitted_under(tmp_path):
    async with open_memory_gateway(tmp_path, answer(), policies=[POLICY]) as gateway:
        admission = admitted(gateway)
        gateway.active.replace(None)
        exchange, line = make_exchange(make_head(content_type=b"application/json"), json.dumps(chat()).encode())
        await gateway.pipeline.serve(exchange, admission)
        assert line.headers["x-keeptrusts-config"] == "blue@1.0.0"


async def test_counters_say_what_is_going_on(tmp_path):
    seen = []
    async with open_memory_gateway(tmp_path) as gateway:

        async def look():
            seen.append((gateway.gauges.in_flight, gateway.active.current().targets[0].counters.open))
            return answer()

        gateway.client.answers.append(look())
        await gateway.ask(tree=chat())
        assert (seen, gateway.gauges.in_flight, gateway.gauges.requests) == ([(1, 1)], 0, 1)
        assert gateway.active.current().targets[0].counters.open == 0


# Before the body is read.


async def test_admission_says_how_much_is_read(tmp_path):
    content = make_pack(size_limits={"max_body_bytes": 2048})
    async with open_memory_gateway(tmp_path, content=content) as gateway:
        admission = admitted(gateway)
    assert isinstance(admission, Admission)
    assert (admission.max_body_bytes, admission.route, admission.caller.key_id) == (2048, Route.CHAT, None)


CALLERS = TokenCallers(Secret("a-token-of-the-gateway"), trust_identity_headers=True)
KEY = {"x_api_key": b"a-token-of-the-gateway"}


async def refused(tmp_path, **head):
    """The code of a call at a disabled pack that leaves no event."""
    async with open_memory_gateway(tmp_path, content=make_pack(enabled=False), callers=CALLERS) as gateway:
        with pytest.raises(Fault) as raised:
            admitted(gateway, **head)
        assert gateway.events() == []
    return raised.value.code


async def test_without_a_key_nothing_else_is_told(tmp_path):
    assert await refused(tmp_path) is Code.MISSING_KEY


async def test_only_post_reaches_a_model_route(tmp_path):
    assert await refused(tmp_path, method="GET", **KEY) is Code.METHOD_NOT_ALLOWED


def begin_calls(gateway, number):
    for _ in range(number):
        gateway.limiter.begin(ANONYMOUS)


CLOSED = {
    "pack_disabled": (make_pack(enabled=False), lambda _: None, {}),
    "draining": (make_pack(), lambda gateway: setattr(gateway.gauges, "is_draining", True), {}),
    "overloaded": (make_pack(limits={"max_in_flight": 3}), lambda gateway: begin_calls(gateway, 3), {}),
    "invalid_request": (make_pack(), lambda _: None, {"x_user_id": b"two words"}),
}
"""The pack, what happened before, and the headers of a call that is not served."""


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize("code", CLOSED)
async def test_a_valid_key_that_is_turned_away_at_the_door_has_its_event(tmp_path, code, path):
    content, change, headers = CLOSED[code]
    async with open_memory_gateway(tmp_path, content=content, callers=CALLERS) as gateway:
        change(gateway)
        line = await gateway.ask(path=path, tree=chat(), **KEY, **headers)
        [event] = gateway.events()
        assert (dict(gateway.meter._refusals), dict(gateway.meter._errors)) == ({code: 1}, {})
    error = json.loads(line.body)["error"]
    assert (error["code"], event.error_code, event.status) == (code, code, line.status)
    assert line.headers["x-request-id"] == event.request_id
    assert (line.headers.get("request-id") == event.request_id) == (path == "/v1/messages")


async def test_callers_without_a_key_that_are_turned_away_leave_no_event(tmp_path):
    async with open_memory_gateway(tmp_path, content=make_pack(limits={"max_in_flight": 3})) as gateway:
        begin_calls(gateway, 3)
        line = await gateway.ask(tree=chat())
        assert gateway.events() == []
    assert line.status == 503


async def test_the_room_of_a_call_is_free_before_its_answer_is_out(tmp_path):
    content = make_pack(limits={"max_in_flight": 1})
    async with open_memory_gateway(tmp_path, answer(), answer(), content=content) as gateway:
        exchange, line = make_exchange(make_head(content_type=b"application/json"), json.dumps(chat()).encode())
        rooms = []
        answered = line.answered
        line.answered = lambda exchange: (rooms.append(gateway.counts.in_flight.total()), answered(exchange))
        await gateway.pipeline.serve(exchange, admitted(gateway))
    assert (line.status, rooms) == (200, [0])


async def test_nothing_keeps_an_old_configuration_once_a_call_came_under_the_new_one(tmp_path):
    async with open_memory_gateway(tmp_path) as gateway:
        old = gateway.pipeline.admit(Route.EMBEDDINGS, make_head()).snapshot
        gateway.active.replace(make_snapshot(make_pack(version="2.0.0")))
        admitted(gateway)
        assert all(one.snapshot is not old for one in gateway.pipeline._admissions.values())


async def test_calls_whose_bodies_end_together_are_held_to_the_packs_limit_too(tmp_path):
    content = make_pack(limits={"max_in_flight": 3})
    async with open_memory_gateway(tmp_path, answer(), content=content) as gateway:
        front = gateway.front()
        admit = front.admit

        def admit_among_others(head):
            rule = admit(head)
            begin_calls(gateway, 3)
            return rule

        front.admit = admit_among_others
        line = await gateway.ask(tree=chat(), front=front)
        assert gateway.client.requests == []
        assert gateway.counts.in_flight.total() == 3
        assert [event.error_code for event in gateway.events()] == ["overloaded"]
    assert line.sent.startswith(b"HTTP/1.1 503")


async def test_the_targets_output_limit_is_sent_where_the_call_has_none(tmp_path):
    content = make_pack(make_target(max_output_tokens=500))
    async with open_memory_gateway(tmp_path, answer(), answer(), content=content) as gateway:
        await gateway.ask(tree=chat())
        await gateway.ask(tree=chat(max_completion_tokens=7))
        limits = [json.loads(request.body).get("max_completion_tokens") for request in gateway.client.requests]
        assert [json.loads(request.body).get("max_tokens") for request in gateway.client.requests] == [None, None]
    assert limits == [500, 7]


@pytest.mark.parametrize(
    "query", [b"x=kt_gk_c0_secret", b"api_key=secret", b"beta=true&api-key=secret", b"token=secret"]
)
async def test_a_key_in_the_url_is_refused_and_goes_nowhere(tmp_path, query):
    async with open_memory_gateway(tmp_path) as gateway:
        line = await gateway.ask(tree=chat(), query=query)
        assert (line.status, gateway.client.requests) == (400, [])
        assert b"secret" not in line.body


# One target after the other.

FALLBACK = {"fallback": {}, "circuit_breaker": {"failure_threshold": 2}}


def two_targets(**providers):
    return make_pack(make_target(id="first"), make_target(id="second"), providers=FALLBACK | providers)


def refusal(status, **headers):
    return MemoryResponse(b'{"error": {"message": "no", "type": "server_error"}}', status=status, **headers)


def streamed(*pieces):
    return MemoryResponse(*pieces, content_type=b"text/event-stream")


def chunk(**delta):
    return b"data: %b\n\n" % json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}).encode()


END = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize(
    "failed",
    [
        *[refusal(500), refusal(529), refusal(429), refusal(504), refusal(401), refusal(302)],
        *[ConnectFailed("no"), ConnectionLost("lost"), TimedOut(Phase.FIRST_BYTE, "slow")],
        *[MemoryResponse(b"{", Truncated("cut")), MemoryResponse(b"not json")],
    ],
    ids=["500", "529", "429", "504", "401", "302", "unreached", "lost", "slow", "cut", "garbage"],
)
async def test_a_target_that_fails_is_left_for_the_next_without_the_client_noticing(tmp_path, failed):
    async with open_memory_gateway(tmp_path, failed, answer(), content=two_targets(), policies=[POLICY]) as gateway:
        line = await gateway.ask(tree=chat())
        [event] = gateway.events()
        opened = gateway.opened()
    assert (line.status, line.headers["x-keeptrusts-target"]) == (200, "second")
    assert [one.target_id for one in event.attempts] == ["first", "second"]
    assert (event.target_id, event.status, event.error_code) == ("second", 200, None)
    assert [record.target_id for record in opened] == ["first", "second"]
    assert len([one for one in event.policies if one.phase == "output"]) == 1


async def test_where_all_fail_the_last_ones_error_is_the_answer(tmp_path):
    failed = [refusal(500), refusal(429, retry_after=b"9")]
    async with open_memory_gateway(tmp_path, *failed, content=two_targets()) as gateway:
        line = await gateway.ask(tree=chat())
        [event] = gateway.events()
    assert (line.status, line.headers["retry-after"]) == (429, "9")
    assert [one.status for one in event.attempts] == [500, 429]


async def test_what_the_pack_does_not_name_as_a_trigger_is_the_answer(tmp_path):
    content = two_targets(fallback={"triggers": ["timeout"]})
    async with open_memory_gateway(tmp_path, refusal(500), content=content) as gateway:
        assert (await gateway.ask(tree=chat())).status == 500


async def test_without_fallback_only_an_unreached_target_is_left(tmp_path):
    content = make_pack(make_target(id="first"), make_target(id="second"))
    async with open_memory_gateway(tmp_path, ConnectFailed("no"), refusal(500), content=content) as gateway:
        line = await gateway.ask(tree=chat())
    assert (line.status, line.headers["x-keeptrusts-target"]) == (500, "second")


async def test_a_refusal_that_is_the_clients_own_fault_is_tried_nowhere_else(tmp_path):
    async with open_memory_gateway(tmp_path, refusal(400), content=two_targets()) as gateway:
        assert (await gateway.ask(tree=chat())).status == 400


@pytest.mark.parametrize("policies", [(), (POLICY,)], ids=["unjudged", "judged"])
@pytest.mark.parametrize(
    "failed",
    [
        streamed(chunk(role="assistant", content=""), b'data: {"error": {"message": "busy"}}\n\n'),
        streamed(chunk(role="assistant"), Truncated("cut")),
        streamed(),
        streamed(b"garbage\n\n"),
    ],
    ids=["error in band", "cut", "empty", "garbage"],
)
async def test_a_stream_that_fails_before_any_content_is_left_for_the_next(tmp_path, failed, policies):
    good = streamed(chunk(role="assistant"), chunk(content="fine"), END)
    async with open_memory_gateway(tmp_path, failed, good, content=two_targets(), policies=policies) as gateway:
        line = await gateway.ask(tree=chat(stream=True))
        [event] = gateway.events()
    assert streamed_text(line.body) == "fine"
    assert line.is_clean
    assert b"busy" not in line.body
    assert [one.target_id for one in event.attempts] == ["first", "second"]
    assert (event.status, event.error_code) == (200, None)


async def test_after_the_first_content_a_stream_that_fails_is_left_for_nobody(tmp_path):
    broken = streamed(chunk(content="half"), Truncated("cut"))
    async with open_memory_gateway(tmp_path, broken, content=two_targets()) as gateway:
        line = await gateway.ask(tree=chat(stream=True))
        [event] = gateway.events()
        counters = gateway.active.current().targets[0].counters
    assert streamed_text(line.body) == "half"
    assert b"upstream_truncated" in line.body
    assert event.error_code == "upstream_truncated"
    assert (counters.failures, counters.breaker.failures) == (1, 1)


async def test_a_target_that_keeps_failing_is_not_asked_any_more(tmp_path):
    content = two_targets(fallback={"across_models": False})
    answers = [refusal(500), answer(), refusal(500), answer(), answer()]
    async with open_memory_gateway(tmp_path, *answers, content=content) as gateway:
        targets = [(await gateway.ask(tree=chat())).headers["x-keeptrusts-target"] for _ in range(3)]
        events = gateway.events()
    assert targets == ["second"] * 3
    assert [len(event.attempts) for event in events] == [2, 2, 1]


@pytest.mark.parametrize(("status", "held_against"), [(400, 0), (404, 0), (429, 0), (401, 1), (500, 1)])
async def test_an_error_is_counted_once_and_a_clients_own_is_not_held_against_the_target(
    tmp_path, status, held_against
):
    content = make_pack(providers={"circuit_breaker": {"failure_threshold": 2}})
    async with open_memory_gateway(tmp_path, refusal(status), content=content) as gateway:
        await gateway.ask(tree=chat())
        counters = gateway.active.current().targets[0].counters
    assert (counters.failures, counters.breaker.failures) == (1, held_against)


async def test_what_an_attempt_must_have_cost_before_the_next_one_stays_in_the_calls_cost(tmp_path):
    price = {"input_per_mtok_usd": 1000, "output_per_mtok_usd": 1000}
    content = make_pack(
        make_target(id="first", price=price), make_target(id="second", price=price), providers={"fallback": {}}
    )
    reply = MemoryResponse(REPLY.replace(b'{"id"', b'{"usage": {"prompt_tokens": 5, "completion_tokens": 0}, "id"'))
    slow = TimedOut(Phase.FIRST_BYTE, "slow")
    async with open_memory_gateway(tmp_path, slow, reply, reply, content=content) as gateway:
        await gateway.ask(tree=chat())
        await gateway.ask(tree=chat())
        after_a_timeout, alone = gateway.events()
    assert alone.cost_micros == 5000
    assert after_a_timeout.cost_micros == 5000 + len(json.dumps(chat())) // 4 * 1000


LONG = REPLY.replace(b"a secret", b"word" * 1000)


@pytest.mark.parametrize(
    "reply",
    [MemoryResponse(LONG), MemoryResponse(LONG[:-20], Truncated("cut")), MemoryResponse(LONG[:-20])],
    ids=["uncounted", "cut", "undecodable"],
)
async def test_what_a_whole_answer_must_have_cost_is_estimated_where_nobody_counted_it(tmp_path, reply):
    async with open_memory_gateway(tmp_path, reply) as gateway:
        await gateway.ask(tree=chat())
        [event] = gateway.events()
    assert event.usage.estimated
    assert 900 < event.usage.output_tokens < 1100


async def test_vectors_are_no_tokens(tmp_path):
    vectors = MemoryResponse(b'{"data": [{"embedding": [%b]}]}' % b",".join([b"0.25"] * 1000))
    async with open_memory_gateway(tmp_path, vectors) as gateway:
        await gateway.ask(path="/v1/embeddings", tree={"model": "gpt-4o-mini", "input": "hello"})
        [event] = gateway.events()
    assert (event.status, event.usage.output_tokens) == (200, 0)


async def test_tokens_are_estimated_for_a_target_that_cannot_count_them(tmp_path):
    async with open_memory_gateway(tmp_path) as gateway:
        line = await gateway.ask(path="/v1/messages/count_tokens", tree=chat("four" * 10))
        [event] = gateway.events()
    assert json.loads(line.body) == {"input_tokens": 14}
    assert (event.status, event.target_id, event.attempts) == (200, None, ())


async def test_tokens_are_estimated_where_the_only_target_that_counts_cannot_be_used(tmp_path):
    absent = make_target(id="absent", provider="anthropic", model="gpt-4o-mini", secret_key_ref={"env": "ABSENT"})
    async with open_memory_gateway(tmp_path, content=make_pack(absent, make_target(id="main"))) as gateway:
        assert (await gateway.ask(path="/v1/messages/count_tokens", tree=chat())).status == 200
    async with open_memory_gateway(tmp_path, content=make_pack(absent)) as gateway:
        assert (await gateway.ask(path="/v1/messages/count_tokens", tree=chat())).status == 503


async def test_an_answer_says_what_is_left_instead_of_what_the_provider_has(tmp_path):
    content = make_pack(global_rate_limit={"max_requests": 3}, token_rate_limit={"max_tokens": 9000})
    with_theirs = [answer(x_ratelimit_limit_requests=b"77") for _ in range(3)]
    async with open_memory_gateway(tmp_path, *with_theirs, content=content) as gateway:
        lefts = [(await gateway.ask(tree=chat())).headers["x-ratelimit-remaining-requests"] for _ in range(3)]
        refused_line = await gateway.ask(tree=chat())
        me = json.loads((await gateway.ask("GET", "/keeptrusts/me")).body)["limits"]
        [*_, event] = gateway.events()
    assert lefts == ["2", "1", "0"]
    assert refused_line.status == 429
    assert refused_line.headers["x-ratelimit-limit-requests"] == "3"
    assert refused_line.headers["x-should-retry"] == "true"
    assert int(refused_line.headers["retry-after"]) == 60
    assert json.loads(refused_line.body)["error"]["code"] == "rate_limit_exceeded"
    assert (event.status, event.error_code, event.attempts) == (429, "rate_limit_exceeded", ())
    assert (me["global_rate_limit"]["remaining"], me["max_in_flight"]) == (0, 1000)


async def test_a_call_that_never_reached_a_provider_used_no_tokens(tmp_path):
    content = make_pack(token_rate_limit={"max_tokens": 1000})
    async with open_memory_gateway(tmp_path, content=content, policies=[POLICY]) as gateway:
        line = await gateway.ask(tree=chat("do stop! it"))
        me = json.loads((await gateway.ask("GET", "/keeptrusts/me")).body)["limits"]
    assert int(line.headers["x-ratelimit-remaining-tokens"]) < 1000
    assert me["token_rate_limit"]["remaining"] == 1000


async def test_where_nothing_limits_the_provider_is_heard(tmp_path):
    async with open_memory_gateway(tmp_path, answer(x_ratelimit_limit_requests=b"77")) as gateway:
        line = await gateway.ask(tree=chat())
    assert line.headers["x-ratelimit-limit-requests"] == "77"


async def test_calls_that_waited_are_no_more_probes_than_allowed(tmp_path):
    content = make_pack(providers={"circuit_breaker": {"failure_threshold": 1, "cooldown_seconds": 1}})
    probing = asyncio.Event()

    async def slow():
        await probing.wait()
        return answer()

    async with open_memory_gateway(tmp_path, refusal(500), slow(), content=content) as gateway:
        await gateway.ask(tree=chat())
        gateway.clock.advance(1)
        [target] = gateway.active.current().targets
        probe = asyncio.ensure_future(gateway.ask(tree=chat()))  # noqa: TID251 - two calls at once
        while not target.counters.breaker.probes:  # noqa: ASYNC110
            await asyncio.sleep(0)
        with pytest.MonkeyPatch.context() as patch:  # as if it had been planned before the probe went out
            patch.setattr(type(gateway.active.current().router), "plan", lambda *_: [Leg(target)])
            late = await gateway.ask(tree=chat())
        probing.set()
        assert ((await probe).status, late.status) == (200, 503)


@pytest.mark.parametrize("part", ["_open_record", "_limiter"])
async def test_a_call_that_cannot_begin_is_not_in_flight(tmp_path, part):
    async with open_memory_gateway(tmp_path) as gateway:
        exchange, _ = make_exchange(make_head())
        admission = admitted(gateway)
        setattr(gateway.pipeline, part, None)
        with pytest.raises((TypeError, AttributeError)):
            await gateway.pipeline.serve(exchange, admission)
        assert (gateway.gauges.in_flight, gateway.counts.in_flight.total()) == (0, 0)
