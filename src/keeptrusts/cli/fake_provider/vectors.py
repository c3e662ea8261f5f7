"""What a provider answers without writing text, faked: embeddings, moderations, and the list of models."""

import base64
import hashlib
import math
import struct
from typing import Any

from keeptrusts.cli.fake_provider.prompt import Refused, encode, read_prompt
from keeptrusts.cli.fake_provider.reply import Reply, Stamp, Whole

MODELS = ("gpt-4o-mini", "gpt-4o", "text-embedding-3-small", "omni-moderation-latest", "claude-sonnet-4-5")
DEFAULT_DIMENSIONS = 64
MOST_DIMENSIONS = 3072
MOST_INPUTS = 2048
RELEASED = 1735689600  # the start of 2025, in seconds: when every fake model appeared
CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


def answer_embedding(call: dict[str, Any], stamp: Stamp) -> Reply:
    """Equal inputs have equal vectors of length one. Raises Refused for a call without input or with too much."""
    del stamp
    inputs = _inputs(call)
    prompt = read_prompt(inputs)
    size = call.get("dimensions") or DEFAULT_DIMENSIONS
    if not isinstance(size, int) or not 1 <= size <= MOST_DIMENSIONS:
        raise Refused(400, f"Invalid value for 'dimensions': expected 1 to {MOST_DIMENSIONS}.")
    packed = call.get("encoding_format") == "base64"
    data = []
    for index, text in enumerate(inputs):
        vector = vector_of(encode(text), size)
        value = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode() if packed else vector
        data.append({"object": "embedding", "index": index, "embedding": value})
    usage = {"prompt_tokens": prompt.tokens, "total_tokens": prompt.tokens}
    body = {"object": "list", "data": data, "model": call["model"], "usage": usage}
    return Whole(body=encode(body), commands=prompt.commands)


def answer_moderation(call: dict[str, Any], stamp: Stamp) -> Reply:
    """Nothing is ever objectionable. Raises Refused for a call without input."""
    inputs = _inputs(call)
    prompt = read_prompt(inputs)
    result = {
        "flagged": False,
        "categories": dict.fromkeys(CATEGORIES, False),
        "category_scores": dict.fromkeys(CATEGORIES, 0.0001),
        "category_applied_input_types": {category: ["text"] for category in CATEGORIES},
    }
    body = {"id": f"modr-fake{stamp.number}", "model": call["model"], "results": [result] * len(inputs)}
    return Whole(body=encode(body), commands=prompt.commands)


def list_models() -> Reply:
    """All models, in a shape that both SDKs read."""
    listed = {"object": "list", "data": [_model(name) for name in MODELS], "has_more": False}
    return Whole(body=encode({**listed, "first_id": MODELS[0], "last_id": MODELS[-1]}))


def get_model(name: str) -> Reply:
    """Raises Refused for a name that is not on the list."""
    if name not in MODELS:
        raise Refused(404, "The model does not exist.")
    return Whole(body=encode(_model(name)))


def vector_of(seed: bytes, size: int) -> list[float]:
    """A vector of length one that depends on the seed alone."""
    stream = hashlib.shake_256(seed).digest(size * 2)
    raw = [value / 32768 or 1.0 for value in struct.unpack(f"<{size}h", stream)]
    length = math.sqrt(sum(value * value for value in raw))
    return [value / length for value in raw]


def _inputs(call: dict[str, Any]) -> list[Any]:
    given = call.get("input")
    if not given:
        raise Refused(400, "Missing required parameter: 'input'.")
    inputs = given if isinstance(given, list) and not isinstance(given[0], int) else [given]
    if len(inputs) > MOST_INPUTS:
        raise Refused(400, f"Too many inputs: at most {MOST_INPUTS}.")
    return inputs


def _model(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": RELEASED,
        "owned_by": "fake",
        "type": "model",
        "display_name": name,
        "created_at": "2025-01-01T00:00:00Z",
    }
