"""Speech, transcriptions, images."""

import json

import pytest

from keeptrusts.contract.call import Route
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.json_body import encode
from keeptrusts.providers.openai.dialect import OPENAI
from keeptrusts.providers.openai.media import collect_image_reply, collect_media_call, collect_transcript
from unit.providers.canaries import check_texts, inventory_of, kinds

JSON = b"application/json"
FORM = b"multipart/form-data; boundary=XX"


def form(*fields: tuple[str, str] | tuple[str, str, str]) -> bytes:
    out = b""
    for name, value, *filename in fields:
        file = f'; filename="{filename[0]}"' if filename else ""
        out += f'--XX\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n{value}\r\n'.encode()
    return out + b"--XX--\r\n"


def test_speech():
    tree = {"model": "tts", "input": "SEEN", "instructions": "SEEN", "voice": {"id": "kept"}, "stream_format": "sse"}
    inventory_of(collect_media_call, tree)
    call = OPENAI.read_call(Route.SPEECH, encode(tree), JSON)
    assert (call.stream, call.unreadable_reply, call.provider_state) == (True, "audio", (("voice", "id"),))


@pytest.mark.parametrize("route", [Route.TRANSCRIPTIONS, Route.TRANSLATIONS])
def test_transcriptions(route):
    body = form(
        ("file", "sound", "SEEN.mp3"), ("model", "whisper-1"), ("prompt", "SEEN"), ("language", "en"),
        ("stream", "true"), ("include[]", "logprobs"), ("timestamp_granularities[]", "word"),
        ("new_field", "SEEN"),
    )  # fmt: skip
    call = OPENAI.read_call(route, body, FORM)
    assert (call.model, call.stream, call.asks_logprobs) == ("whisper-1", True, True)
    texts, unreadable = OPENAI.texts(call)
    check_texts(call.tree, texts)
    assert [(part.path, part.kind) for part in unreadable] == [(("file",), "audio")]
    changed = OPENAI.write_call(call, model="other", changes={("prompt",): "x"}, ask_usage=False)
    assert changed == body.replace(
        b'\r\n\r\nSEEN\r\n--XX\r\nContent-Disposition: form-data; name="lang',
        b'\r\n\r\nx\r\n--XX\r\nContent-Disposition: form-data; name="lang',
    ).replace(b"whisper-1", b"other")
    with pytest.raises(Fault) as raised:
        OPENAI.read_call(route, b'{"model":"m"}', JSON)
    assert raised.value.code is Code.UNSUPPORTED_CONTENT_TYPE


def test_image_edits_as_form_and_as_json():
    body = form(
        ("image[]", "1", "SEEN a.png"),
        ("image[]", "2", "SEEN b.png"),
        ("mask", "3", "m.png"),
        ("prompt", "SEEN"),
        ("n", "3"),
    )
    call = OPENAI.read_call(Route.IMAGE_EDITS, body, FORM)
    assert (call.model, call.choices, call.stream, call.unreadable_reply) == ("dall-e-2", 3, False, "image")
    texts, unreadable = OPENAI.texts(call)
    assert [text.value for text in texts] == ["SEEN a.png", "SEEN b.png", "m.png", "SEEN"]
    assert [part.kind for part in unreadable] == ["image"] * 3
    assert b'name="model"\r\n\r\ngpt-image-1\r\n' in OPENAI.write_call(
        call, model="gpt-image-1", changes={}, ask_usage=False
    )
    assert OPENAI.write_call(call, model="dall-e-2", changes={}, ask_usage=False) == body
    tree = {"model": "m", "images": [{"file_id": "x"}, {"image_url": "x"}], "mask": {"file_id": "x"}, "prompt": "SEEN"}
    assert len(kinds(inventory_of(collect_media_call, tree))) == 3
    call = OPENAI.read_call(Route.IMAGE_EDITS, encode(tree), JSON)
    assert call.provider_state == (("images", 0, "file_id"), ("mask", "file_id"))


@pytest.mark.parametrize("field", [("stream", "maybe"), ("n", "many"), ("n", "-1")])
def test_words_of_a_form_have_their_type(field):
    with pytest.raises(Fault) as raised:
        OPENAI.read_call(Route.IMAGE_EDITS, form(("prompt", "x"), field), FORM)
    assert raised.value.param == field[0]


def test_a_file_under_an_unknown_name_is_unreadable():
    body = form(
        ("reference", "1", "SEEN.bin"), ("more[]", "2", "SEEN.bin"), ("language", "3", "SEEN.bin"), ("prompt", "x")
    )
    _, unreadable = OPENAI.texts(OPENAI.read_call(Route.IMAGE_EDITS, body, FORM))
    assert [part.kind for part in unreadable] == ["file"] * 3


def test_image_replies():
    tree = {
        "created": 1,
        "data": [{"b64_json": "kept", "revised_prompt": "SEEN"}, {"url": "kept"}, {"revised_prompt": "SEEN"}],
    }
    assert list(kinds(inventory_of(collect_image_reply, tree))) == [("data", 0), ("data", 1)]


def transcript(**members) -> bytes:
    return encode({"text": "call 555 1234 now", "language": "english", **members})


def changed(body: bytes, changes) -> dict:
    reply = OPENAI.read_reply(Route.TRANSCRIPTIONS, body, JSON, with_texts=True)
    return json.loads(OPENAI.write_reply(reply, changes))


SEGMENTS = [
    {"id": 0, "start": 0, "end": 1, "text": "call 555 ", "tokens": [1]},
    {"id": 1, "start": 1, "end": 2, "text": "1234 now"},
]


def test_transcripts_are_judged_with_their_segments():
    tree = {
        "text": "SEEN",
        "segments": [{"text": "SEEN", "id": "kept"}],
        "words": [{"word": "kept"}],
        "language": "kept",
    }
    inventory_of(collect_transcript, tree)


def test_words_and_tokens_do_not_spell_what_was_changed():
    body = transcript(words=[{"word": "555"}, {"word": "1234"}], logprobs=[{"token": "555"}])
    assert changed(body, {("text",): "call *** now"}) == {
        "text": "call *** now", "language": "english", "words": [], "logprobs": [],
    }  # fmt: skip


def test_segments_stay_if_they_say_what_the_text_says():
    new = changed(
        transcript(segments=SEGMENTS),
        {("text",): "call * * now", ("segments", 0, "text"): "call * ", ("segments", 1, "text"): "* now"},
    )
    assert [segment["text"] for segment in new["segments"]] == ["call * ", "* now"]
    assert new["segments"][0]["tokens"] == []


def test_a_match_across_segments_makes_them_one():
    new = changed(transcript(segments=SEGMENTS), {("text",): "call [PHONE] now"})
    assert new["segments"] == [{"id": 0, "start": 0, "end": 2, "text": "call [PHONE] now", "tokens": []}]


def test_plain_transcripts_keep_their_other_bytes():
    body = b'{ "text" : "a", "usage": {"seconds": 7.0} }'
    reply = OPENAI.read_reply(Route.TRANSCRIPTIONS, body, JSON, with_texts=True)
    assert OPENAI.write_reply(reply, {("text",): "b"}) == body.replace(b'"a"', b'"b"')


def test_log_probabilities_of_a_whole_reply_do_not_spell_what_was_changed():
    body = encode(
        {"choices": [{"index": 0, "message": {"content": "secret"}, "logprobs": {"content": [{"token": "secret"}]}}]}
    )
    reply = OPENAI.read_reply(Route.CHAT, body, JSON, with_texts=True)
    assert OPENAI.write_reply(reply, {}) == body
    assert b"secret" not in OPENAI.write_reply(reply, {reply.texts[0].path: "*"})
