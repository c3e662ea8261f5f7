"""Errors of providers, in all the shapes they come in."""

import json

import pytest

from keeptrusts.contract.faults import Code
from keeptrusts.providers.errors import ErrorText, anthropic_type, openai_type, read_error, render_error

JSON = b"application/json"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"error":{"message":"no","type":"invalid_request_error","param":"messages[0]","code":"bad"}}',
            ErrorText("no", "invalid_request_error", "messages[0]", "bad"),
        ),
        (
            b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}',
            ErrorText("busy", "overloaded_error"),
        ),
        (b'[{"error":{"code":400,"message":"no","status":"INVALID"}}]', ErrorText("no", "INVALID", None, "400")),
        (b'{"error":"plain"}', ErrorText("plain")),
        (b'{"detail":"not found"}', ErrorText("not found")),
        (b'{"error":{"message":"no","type":"a b\\nc","code":{"x":1}}}', ErrorText("no")),
        (b"upstream connect error", ErrorText("upstream connect error")),
        (b"", ErrorText("The provider gave no reason.")),
        (b"[]", ErrorText("The provider gave no reason.")),
        (b'{"error":null}', ErrorText("The provider gave no reason.")),
        (b"<html>Bad Gateway", ErrorText("The provider answered with a web page instead of an error.")),
        (b"\xff\xfe", ErrorText("\ufffd\ufffd")),
    ],
)
def test_an_error_is_read_whatever_its_shape(body, expected):
    assert read_error(body, JSON) == expected


def test_a_long_message_is_cut_between_characters():
    message = read_error(json.dumps({"error": {"message": "é" * 5000}}).encode(), JSON).message
    assert message == "é" * 1024
    assert len(read_error(b"x" * 10_000, b"text/plain").message) == 2048
    assert read_error(b"[" * 100_000, b"text/plain").message


def test_an_error_is_written_in_the_shape_of_the_clients_sdk():
    error = ErrorText("no", "some_type", "p", "c")
    assert json.loads(render_error("openai", error, "req_1")) == {
        "error": {"message": "no", "type": "some_type", "param": "p", "code": "c", "request_id": "req_1"}
    }
    assert json.loads(render_error("anthropic", error, "req_1")) == {
        "type": "error",
        "error": {"type": "some_type", "message": "no", "code": "c"},
        "request_id": "req_1",
    }
    assert json.loads(render_error("openai", ErrorText("no"), "r"))["error"]["type"] == "server_error"
    assert json.loads(render_error("anthropic", ErrorText("no"), "r"))["error"] == {
        "type": "api_error",
        "message": "no",
    }


def test_errors_of_ours_have_types_that_sdks_know():
    assert {openai_type(code) for code in Code} <= {"policy_violation", "insufficient_quota", "server_error"}
    assert openai_type(Code.INPUT_BLOCKED) == "policy_violation"
    assert anthropic_type(Code.INPUT_BLOCKED) == "invalid_request_error"
