"""Speech, transcriptions and images: calls as JSON or as forms, replies as JSON, plain text or sound."""

from collections.abc import Mapping
from typing import Any

from keeptrusts.contract.call import Call, Changes, Path, Reply, Role
from keeptrusts.contract.faults import Code, Fault
from keeptrusts.providers.fields import read_count, read_flag
from keeptrusts.providers.inventory import Inventory
from keeptrusts.providers.json_body import encode, replace_at, splice
from keeptrusts.providers.openai.parts import state_of_parts
from keeptrusts.providers.streams import without_logprobs

_SETTINGS = frozenset({
    "voice", "response_format", "stream_format", "language", "size", "quality", "style", "background", "moderation",
    "output_format", "input_fidelity", "user", "chunking_strategy", "timestamp_granularities[]",
    "include[]", "include", "temperature", "n", "stream", "safety_identifier", "partial_images", "output_compression",
    "speed",
})  # fmt: skip
"""As in `chat.SETTINGS`."""

_FILES = {
    "file": "audio",
    "known_speaker_references[]": "audio",
    "known_speaker_references": "audio",
    "image": "image",
    "image[]": "image",
    "images": "image",
    "mask": "image",
}


def describe_speech(call: Call) -> None:
    call.unreadable_reply = "audio"
    call.stream = call.tree.get("stream_format") == "sse"
    voice = call.tree.get("voice")
    if type(voice) is dict and voice.get("id"):
        call.provider_state = (("voice", "id"),)


def describe_transcription(call: Call) -> None:
    tree = call.tree
    call.stream = _form_flag(tree, "stream")
    included = tree.get("include[]", tree.get("include"))
    call.asks_logprobs = type(included) is list and "logprobs" in included


def describe_image(call: Call) -> None:
    tree = call.tree
    call.unreadable_reply = "image"
    call.stream = _form_flag(tree, "stream")
    call.choices = max(1, _form_count(tree, "n") or 1)
    images = tree.get("images")
    mask = tree.get("mask")
    places = state_of_parts(("images",), images)
    if type(mask) is dict and mask.get("file_id"):
        places.append(("mask", "file_id"))
    call.provider_state = tuple(places)


def collect_media_call(tree: dict[str, Any], found: Inventory) -> None:
    others: dict[str, Any] = {}
    for key, value in tree.items():
        if key in _FILES or _is_file(value):
            _collect_file(found, (key,), value)
        else:
            others[key] = value
    found.members(others, {}, _SETTINGS, Role.USER)


def collect_image_reply(tree: dict[str, Any], found: Inventory) -> None:
    found.members(tree, {"data": _collect_images}, _IMAGE_SETTINGS, Role.ASSISTANT)


def collect_transcript(tree: dict[str, Any], found: Inventory) -> None:
    """The text, and its segments, which say it again with times. `words` and tokens are seen to when writing."""
    found.members(tree, {}, _TRANSCRIPT_SETTINGS, Role.ASSISTANT)


def write_transcript(reply: Reply, changes: Changes) -> bytes:
    """The transcript with other texts. What says the old text word by word, or in numbers, is left out."""
    if "words" not in reply.tree and "segments" not in reply.tree and "logprobs" not in reply.tree:
        return splice(reply.body, reply.tree, changes)
    tree: dict[str, Any] = without_logprobs(replace_at(reply.tree, changes))
    if "words" in tree:
        tree["words"] = []
    segments = tree.get("segments")
    if type(segments) is list and all(type(segment) is dict for segment in segments):
        tree["segments"] = _segments_of(segments, tree.get("text"))
    return encode(tree)


def write_scrubbed(reply: Reply, changes: Changes) -> bytes:
    """A reply with other texts, and without the `logprobs` that would still spell the old ones."""
    tree: Any = reply.tree
    if b'"logprobs"' in reply.body and without_logprobs(tree) != tree:
        return encode(without_logprobs(replace_at(tree, changes)))
    return splice(reply.body, tree, changes)


def _segments_of(segments: list[dict[str, Any]], text: Any) -> list[dict[str, Any]]:
    """The segments without their tokens; one for all where what was found in the text lies across their borders."""
    bare = [{key: [] if key == "tokens" else value for key, value in segment.items()} for segment in segments]
    said = "".join(str(segment.get("text", "")) for segment in bare)
    if not bare or type(text) is not str or "".join(said.split()) == "".join(text.split()):
        return bare
    return [{**bare[0], "end": bare[-1].get("end"), "text": text}]


def _is_file(value: Any) -> bool:
    """Whether a form sent a file under this name, known or not."""
    if type(value) is list:
        return any(_is_file(one) for one in value)
    return type(value) is dict and value.keys() == {"filename"}


def _collect_file(found: Inventory, path: Path, value: Any) -> None:
    """A file of a form with its name, several of them, or one by its address."""
    kind = _FILES.get(str(path[0]), "file")
    for place, file in [((*path, at), one) for at, one in enumerate(value)] if type(value) is list else [(path, value)]:
        found.unread(place, kind)
        if type(file) is dict:
            found.text((*place, "filename"), file.get("filename"), Role.USER)


def _collect_images(found: Inventory, path: Path, images: Any) -> None:
    for index, image in enumerate(images if type(images) is list else ()):
        place = (*path, index)
        if type(image) is dict and (image.get("b64_json") or image.get("url")):
            found.unread(place, "image")
            image = {key: value for key, value in image.items() if key not in {"b64_json", "url"}}  # noqa: PLW2901
        found.strings(place, image, Role.ASSISTANT)


_IMAGE_SETTINGS = frozenset({"usage", "background", "output_format", "quality", "size"})
_TRANSCRIPT_SETTINGS = frozenset({"usage", "words", "task", "language", "duration", "logprobs"})


def _form_flag(tree: Mapping[str, Any], key: str) -> bool:
    """A boolean of a JSON body, or of a form, where it is a word."""
    value = tree.get(key)
    if type(value) is str:
        if value.lower() in {"true", "false"}:
            return value.lower() == "true"
        raise Fault(Code.INVALID_REQUEST, f"`{key}` must be true or false.", param=key)
    return read_flag({key: value}, key)


def _form_count(tree: Mapping[str, Any], key: str) -> int | None:
    value = tree.get(key)
    if type(value) is str and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    return read_count({key: value}, key)
