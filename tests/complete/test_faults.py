"""Every way in which a call can fail has a status and a shape, on every route."""

import json

import pytest

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.faults import RENDERINGS, render_body, retry_header, status_of


def test_every_code_has_a_rendering():
    assert set(RENDERINGS) == set(Code)


@pytest.mark.parametrize("code", Code)
def test_every_code_is_an_error_in_the_shape_that_both_sdks_read(code):
    fault = Fault(code, "what is wrong", param="model")
    assert 400 <= status_of(fault) <= 599
    openai = json.loads(render_body(fault, "req_1", anthropic=False))["error"]
    assert {"message", "type", "param", "code"} <= set(openai)
    assert openai["code"] == code
    anthropic = json.loads(render_body(fault, "req_1", anthropic=True))
    assert (anthropic["type"], anthropic["request_id"]) == ("error", "req_1")
    assert {"message", "type"} <= set(anthropic["error"])


@pytest.mark.parametrize("code", [Code.INPUT_BLOCKED, Code.OUTPUT_BLOCKED, Code.INVALID_KEY, Code.INVALID_JSON])
def test_what_a_retry_cannot_help_says_so(code):
    assert b"x-should-retry: false" in retry_header(Fault(code, "no"))
