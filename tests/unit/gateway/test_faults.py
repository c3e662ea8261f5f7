"""How faults look on the wire, and what SDKs make of them."""

import json

import anthropic
import httpx2
import openai
import pytest
from anthropic import Anthropic
from openai import OpenAI

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.faults import RENDERINGS, render_body, render_malformed, retry_header, status_of
from keeptrusts.gateway.http.refusals import Malformed, overloaded
from keeptrusts.providers.errors import POLICY_CODES

CODES = list(Code)


def body(code, *, anthropic=False, **details):
    return json.loads(render_body(Fault(code, "why", **details), "req_1", anthropic=anthropic))


def test_every_code_has_a_rendering():
    assert set(RENDERINGS) == set(Code)


@pytest.mark.parametrize("code", CODES)
def test_in_openais_shape(code):
    error = body(code, param="model")["error"]
    assert (error["code"], error["message"], error["param"], error["request_id"]) == (code, "why", "model", "req_1")
    assert error["type"] == RENDERINGS[code].openai_type
    assert "policy" not in error


@pytest.mark.parametrize("code", CODES)
def test_in_anthropics_shape(code):
    answer = body(code, anthropic=True)
    assert (answer["type"], answer["request_id"]) == ("error", "req_1")
    assert (answer["error"]["code"], answer["error"]["message"]) == (code, "why")
    assert answer["error"]["type"].endswith("_error") or answer["error"]["type"] == "request_too_large"


def test_a_policy_is_named_where_one_refused():
    assert body(Code.INPUT_BLOCKED, policy="pii-detector")["error"]["policy"] == "pii-detector"
    assert body(Code.INPUT_BLOCKED, policy="pii-detector", anthropic=True)["error"]["policy"] == "pii-detector"


@pytest.mark.parametrize("code", sorted(POLICY_CODES))
def test_a_policys_refusal_is_one_that_no_sdk_repeats(code):
    fault = Fault(code, "no")
    assert status_of(fault) == (403 if code is Code.MODEL_NOT_PRICED else 400)
    assert body(code)["error"]["type"] == "policy_violation"
    assert body(code, anthropic=True)["error"]["type"] in {"invalid_request_error", "permission_error"}
    assert retry_header(fault) == b"x-should-retry: false\r\n"


@pytest.mark.parametrize("code", CODES)
def test_only_what_can_succeed_later_may_be_repeated(code):
    fault = Fault(code, "no")
    header = retry_header(fault)
    if status_of(fault) < 500 and status_of(fault) != 429:
        assert header == b"x-should-retry: false\r\n"
    assert header in {b"", b"retry-after: 1\r\n", b"x-should-retry: false\r\n", b"x-should-retry: true\r\n"}
    assert (b"retry-after" in header) == (status_of(fault) == 503 and RENDERINGS[code].retry)


def test_a_spent_budget_is_not_asked_again_and_one_that_is_only_held_is():
    assert retry_header(Fault(Code.BUDGET_EXCEEDED, "no")) == b"x-should-retry: false\r\n"
    busy = Fault(Code.BUDGET_BUSY, "later", retry_after_s=1)
    assert retry_header(busy) == b"x-should-retry: true\r\nretry-after: 1\r\n"
    assert (status_of(busy), body(Code.BUDGET_EXCEEDED)["error"]["type"]) == (429, "insufficient_quota")
    assert body(Code.BUDGET_EXCEEDED, anthropic=True)["error"]["type"] == "rate_limit_error"


def failing(code, *, is_anthropic):
    """An SDK whose every call ends in this fault; how often it called is counted."""
    fault = Fault(code, "why")
    asked = []

    def answer(request):
        asked.append(request)
        [line] = retry_header(fault).decode().split("\r\n")[:-1] or [""]
        name, _, value = line.partition(": ")
        value = "0" if name == "retry-after" else value
        content = render_body(fault, "req_1", anthropic=is_anthropic)
        return httpx2.Response(status_of(fault), headers={name: value} if name else {}, content=content)

    client = httpx2.Client(transport=httpx2.MockTransport(answer))
    return client, asked


STATUS_ERRORS = {400: "BadRequestError", 401: "AuthenticationError", 403: "PermissionDeniedError", 404: "NotFoundError"}


@pytest.mark.parametrize("code", [code for code in CODES if not RENDERINGS[code].retry])
def test_the_openai_sdk_reads_the_code_and_does_not_repeat(code):
    client, asked = failing(code, is_anthropic=False)
    sdk = OpenAI(base_url="http://gateway/v1", api_key="k", http_client=client)
    with sdk, pytest.raises(openai.APIStatusError) as raised:
        sdk.models.list()
    assert (raised.value.code, raised.value.status_code) == (code, status_of(Fault(code, "")))
    assert type(raised.value).__name__ == STATUS_ERRORS.get(raised.value.status_code, type(raised.value).__name__)
    assert len(asked) == 1


@pytest.mark.parametrize("code", [Code.MISSING_KEY, Code.INPUT_BLOCKED, Code.MODEL_NOT_FOUND, Code.PACK_DISABLED])
def test_the_anthropic_sdk_reads_the_message_and_does_not_repeat(code):
    client, asked = failing(code, is_anthropic=True)
    sdk = Anthropic(base_url="http://gateway", api_key="k", http_client=client)
    with sdk, pytest.raises(anthropic.APIStatusError) as raised:
        sdk.models.list()
    assert raised.value.body["error"]["code"] == code
    assert "why" in str(raised.value)
    assert len(asked) == 1


@pytest.mark.parametrize("code", [Code.DRAINING, Code.OVERLOADED])
def test_an_sdk_repeats_what_can_succeed_later(code):
    client, asked = failing(code, is_anthropic=False)
    sdk = OpenAI(base_url="http://gateway/v1", api_key="k", http_client=client, max_retries=0)
    with sdk, pytest.raises(Exception, match="why"):
        sdk.models.list()
    assert len(asked) == 1
    assert retry_header(Fault(code, "")) == b"retry-after: 1\r\n"


def test_a_body_that_could_not_be_taken_is_refused_in_the_shape_of_the_route():
    malformed = Malformed("why", code="body_too_large", status=413)
    refusal = render_malformed(malformed, "req_1", anthropic=False)
    error = {"message": "why", "type": "invalid_request_error", "param": None, "code": "body_too_large"}
    assert json.loads(refusal.body) == {"error": error | {"request_id": "req_1"}}
    assert (refusal.status, refusal.headers.count(b"req_1")) == (413, 1)
    refusal = render_malformed(malformed, "req_1", anthropic=True)
    assert json.loads(refusal.body) == {
        "type": "error",
        "error": error | {"type": "request_too_large"},
        "request_id": "req_1",
    }
    assert b"\r\nrequest-id: req_1\r\n" in refusal.headers


@pytest.mark.parametrize(("malformed", "line"), [
    (overloaded("x"), b"retry-after: 1\r\n"),
    (Malformed("x"), b"x-should-retry: false\r\n"),
])  # fmt: skip
def test_a_refused_body_says_whether_to_come_again(malformed, line):
    assert render_malformed(malformed, "req_1", anthropic=False).headers.endswith(line)


def test_a_fault_that_knows_when_to_try_again_says_so():
    assert retry_header(Fault(Code.OVERLOADED, "", retry_after_s=7)) == b"retry-after: 7\r\n"
    assert retry_header(Fault(Code.PACK_DISABLED, "", retry_after_s=7)) == b"x-should-retry: false\r\n"
