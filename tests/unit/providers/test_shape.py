"""What all routes share: content types, models, limits, usage, whole replies."""

import json

import pytest

from keeptrusts.contract.call import Route
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.contract.usage import Usage
from keeptrusts.providers.openai.dialect import OPENAI

JSON = b"application/json"
CHAT = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}'


def write(body: bytes, **settings) -> bytes:
    call = OPENAI.read_call(Route.CHAT, body, JSON)
    return OPENAI.write_call(call, **{"model": call.model, "changes": {}, "ask_usage": False, **settings})


@pytest.mark.parametrize(
    "kind",
    [
        JSON,
        b"Application/JSON",
        b"application/json;charset=UTF-8",
        b'application/json; charset="utf-8"',
        b"application/vnd.api+json",
    ],
)
def test_json_by_all_its_names(kind):
    assert OPENAI.read_call(Route.CHAT, CHAT, kind).model == "m"


def test_usage_is_asked_for_without_touching_other_bytes():
    assert write(CHAT, ask_usage=True) == CHAT[:-1] + b',"stream_options":{"include_usage":true}}'
    half = CHAT[:-1] + b',"stream_options":{"include_obfuscation":false}}'
    assert json.loads(write(half, ask_usage=True))["stream_options"] == {
        "include_usage": True,
        "include_obfuscation": False,
    }


def test_everything_at_once():
    body = (
        b'{ "stream_options": null, "max_completion_tokens" : null,"messages":[{"role":"user","content":"a\\u0062"}] }'
    )
    call = OPENAI.read_call(Route.CHAT, body, JSON, model="asked")
    changes = {("messages", 0, "content"): "x"}
    sent = OPENAI.write_call(call, model="up", changes=changes, ask_usage=True, max_output_tokens=5)
    assert sent == (
        b'{ "stream_options": {"include_usage":true}, "max_completion_tokens" : 5,'
        b'"messages":[{"role":"user","content":"x"}] ,"model":"up"}'
    )


def test_a_limit_of_the_client_is_kept():
    body = CHAT[:-1] + b',"max_tokens":3}'
    assert write(body, max_output_tokens=9) == body


def test_a_default_model_of_the_provider_is_not_written():
    body = b'{"input":"x"}'
    call = OPENAI.read_call(Route.MODERATIONS, body, JSON)
    assert call.model == "omni-moderation-latest"
    assert OPENAI.write_call(call, model=call.model, changes={}, ask_usage=False) == body
    assert json.loads(OPENAI.write_call(call, model="other", changes={}, ask_usage=False))["model"] == "other"


def test_replies_without_texts_are_not_decoded():
    body = b'{"data":[{"embedding":"AAAA"}],"usage":{"prompt_tokens":3,"total_tokens":3}}'
    for with_texts in (True, False):
        reply = OPENAI.read_reply(Route.EMBEDDINGS, body, JSON, with_texts=with_texts)
        assert (reply.tree, reply.texts, reply.usage) == (None, (), Usage(input_tokens=3))


def test_sound_is_unreadable_where_it_must_be_read():
    assert OPENAI.read_reply(Route.SPEECH, b"\x00", b"audio/mpeg", with_texts=True).unreadable[0].kind == "audio"
    assert OPENAI.read_reply(Route.SPEECH, b"\x00", b"audio/mpeg", with_texts=False).unreadable == ()


def test_a_transcript_may_be_plain_text():
    reply = OPENAI.read_reply(Route.TRANSCRIPTIONS, "WEBVTT\n\né".encode(), b"text/vtt", with_texts=True)
    assert [text.value for text in reply.texts] == ["WEBVTT\n\né"]
    assert OPENAI.write_reply(reply, {(): "x é"}) == "x é".encode()
    assert OPENAI.write_reply(reply, {}) == reply.body
    with pytest.raises(Fault) as raised:
        OPENAI.read_reply(Route.TRANSCRIPTIONS, b"\xff", b"text/plain", with_texts=True)
    assert raised.value.code is Code.UPSTREAM_ERROR
    assert OPENAI.read_reply(Route.TRANSCRIPTIONS, b"\xff", b"text/plain", with_texts=False).texts == ()


def test_a_route_without_streams_has_none():
    with pytest.raises(Fault):
        OPENAI.open_stream(Route.EMBEDDINGS, strip_usage=False)
