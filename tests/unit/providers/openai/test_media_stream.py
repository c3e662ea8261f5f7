"""Streams of speech, transcriptions and images."""

import pytest

from keeptrusts.contract.faults import Code
from keeptrusts.contract.usage import Usage
from keeptrusts.providers.json_body import encode
from keeptrusts.providers.openai.media_stream import MediaStream
from unit.providers.canaries import check_texts
from unit.providers.redacting import events_of, shout


def sent(kind, **members) -> bytes:
    return b"data: " + encode({"type": kind, **members}) + b"\n\n"


TRANSCRIPT = (
    sent("transcript.text.delta", delta="Hel", logprobs=[{"token": "Hel"}])
    + sent("transcript.text.delta", delta="lo")
    + sent("transcript.text.done", text="Hello", usage={"type": "tokens", "input_tokens": 5, "output_tokens": 2})
)


def test_every_byte_is_passed_on_and_usage_and_end_are_noted():
    watcher, reader = MediaStream(False), MediaStream(False)
    written = b""
    for event in events_of(TRANSCRIPT):
        assert watcher.watch(event) == event
        written += reader.write(reader.read(event), {})
    assert written == TRANSCRIPT
    for one in (watcher, reader):
        assert (one.usage, one.is_complete) == (Usage(input_tokens=5, output_tokens=2), True)


def test_held_text_leaves_in_an_event_of_its_own():
    changed = shout(MediaStream(False), TRANSCRIPT)
    assert b"Hel" not in changed
    assert sent("transcript.text.delta", delta="HELLO") in changed
    assert b'"text":"HELLO"' in changed


def test_segments_of_speakers_are_judged_whole():
    piece = MediaStream(False).read(sent("transcript.text.segment", id="kept", speaker="kept", text="SEEN"))
    check_texts(piece.tree, piece.repeats)


@pytest.mark.parametrize(
    ("event", "kind", "complete"),
    [
        (sent("speech.audio.delta", audio="kept"), "audio", False),
        (sent("image_generation.partial_image", b64_json="kept", size="kept"), "image", False),
        (sent("image_edit.completed", b64_json="kept"), "image", True),
    ],
)
def test_sound_and_pictures_are_unreadable(event, kind, complete):
    reader = MediaStream(False)
    piece = reader.read(event)
    assert [part.kind for part in piece.unreadable] == [kind]
    assert piece.repeats == ()
    assert reader.is_complete is complete
    assert reader.write(piece, {}) == event


def test_errors_both_ways():
    reader = MediaStream(False)
    reader.watch(b'data: {"error":{"code":"busy","message":"SEEN"}}\n\n')
    assert reader.failure == "busy"
    assert b'"type":"policy_violation"' in reader.fail(Code.OUTPUT_BLOCKED, "because", "req_1")
