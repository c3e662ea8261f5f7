"""Token counts as providers report them, in the shapes of all routes."""

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from keeptrusts.contract.usage import ServiceTier, Usage

MAX_COUNT = 10**12
"""More tokens than any call has. A number beyond is no count, and is left out like one that is no number."""

Count: TypeAlias = Annotated[int, Meta(ge=-MAX_COUNT, le=MAX_COUNT)]


class Details(msgspec.Struct):
    """What a count of input or output tokens includes."""

    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    audio_tokens: Count | None = None


class CacheCreation(msgspec.Struct):
    """What `cache_creation_input_tokens` includes, by how long it is kept."""

    ephemeral_1h_input_tokens: Count | None = None


class ServerToolUse(msgspec.Struct):
    """How often provider-side tools ran."""

    web_search_requests: Count | None = None


class Counts(msgspec.Struct):
    """A `usage` object of either dialect."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: Details | None = None
    completion_tokens_details: Details | None = None
    input_tokens_details: Details | None = None
    output_tokens_details: Details | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None
    server_tool_use: ServerToolUse | None = None
    service_tier: str | None = None  # OpenAI says it beside the usage
    speed: str | None = None


class Envelope(msgspec.Struct):
    """A body of which only the usage matters."""

    usage: Counts | None = None
    service_tier: str | None = None


_decode = msgspec.json.Decoder(Envelope).decode


_NO_DETAILS = Details()
_TIERS: dict[str | None, ServiceTier] = {"flex": "flex", "priority": "priority", "fast": "fast"}


def openai_usage(counts: Counts) -> Usage | None:
    """OpenAI's counts: the input includes what was cached. None where nothing is counted (audio by the second).

    xAI and Gemini count reasoning, which they charge as output, in the total alone: what the total has beyond the input
    is output.
    """
    read = counts.prompt_tokens if counts.prompt_tokens is not None else counts.input_tokens
    written = counts.completion_tokens if counts.completion_tokens is not None else counts.output_tokens
    if read is None and written is None:
        return None
    tier = _TIERS.get(counts.service_tier, "standard")
    input_tokens = max(0, read or 0)
    output_tokens = max(0, written or 0, (counts.total_tokens or 0) - input_tokens)
    inputs = counts.prompt_tokens_details or counts.input_tokens_details
    outputs = counts.completion_tokens_details or counts.output_tokens_details
    if inputs is None and outputs is None:
        return Usage(input_tokens=input_tokens, output_tokens=output_tokens, service_tier=tier)
    inputs, outputs = inputs or _NO_DETAILS, outputs or _NO_DETAILS
    return Usage(
        input_tokens=input_tokens,
        cached_input_tokens=max(0, inputs.cached_tokens or 0),
        output_tokens=output_tokens,
        cache_write_tokens=max(0, inputs.cache_write_tokens or 0),
        audio_input_tokens=max(0, inputs.audio_tokens or 0),
        audio_output_tokens=max(0, outputs.audio_tokens or 0),
        service_tier=tier,
    )


def anthropic_usage(counts: Counts, before: Usage | None = None) -> Usage | None:
    """Anthropic's counts, where the input excludes what was read from or written to the cache.

    `before` is what earlier events of a stream said: later ones are cumulative, and may leave the input out.
    """
    before = before or Usage()
    output = before.output_tokens if counts.output_tokens is None else max(0, counts.output_tokens)
    searches = counts.server_tool_use.web_search_requests if counts.server_tool_use is not None else None
    web_searches = before.web_searches if searches is None else max(0, searches)
    service_tier = before.service_tier if counts.speed is None else _TIERS.get(counts.speed, "standard")
    if counts.input_tokens is None:
        return msgspec.structs.replace(
            before, output_tokens=output, web_searches=web_searches, service_tier=service_tier
        )
    cached = max(0, counts.cache_read_input_tokens or 0)
    written = max(0, counts.cache_creation_input_tokens or 0)
    kept_long = counts.cache_creation.ephemeral_1h_input_tokens if counts.cache_creation is not None else None
    return Usage(
        input_tokens=max(0, counts.input_tokens) + cached + written,
        cached_input_tokens=cached,
        output_tokens=output,
        cache_write_tokens=written,
        cache_write_1h_tokens=_kept_long(written, kept_long, before),
        web_searches=web_searches,
        service_tier=service_tier,
    )


def _kept_long(written: int, said: int | None, before: Usage) -> int:
    """Of the tokens written to the cache, those kept for an hour. The last event of a stream may not say it again."""
    if said is None:
        said = before.cache_write_1h_tokens
    return min(written, max(0, said))


def read_counts(value: Any, service_tier: Any = None) -> Counts | None:
    """A decoded `usage` object; None where it is no such thing. A wrong count is left out, not trusted.

    `service_tier` is what an OpenAI answer says beside it.
    """
    if type(value) is not dict:
        return None
    try:
        counts = msgspec.convert(value, Counts)
    except msgspec.ValidationError:
        numbers = {key: count for key, count in value.items() if _is_count(count) and key.endswith("_tokens")}
        counts = msgspec.convert(numbers, Counts)
    if type(service_tier) is str:
        counts.service_tier = service_tier
    return counts


def _is_count(value: Any) -> bool:
    return type(value) is int and abs(value) <= MAX_COUNT


def find_counts(body: bytes) -> Counts | None:
    """The `usage` of a JSON body, without decoding the rest. None where there is none or the body is not JSON."""
    try:
        envelope = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _find_counts_slowly(body)
    if envelope.usage is not None and envelope.service_tier is not None:
        envelope.usage.service_tier = envelope.service_tier
    return envelope.usage


def _find_counts_slowly(body: bytes) -> Counts | None:
    try:
        tree = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return read_counts(tree.get("usage"), tree.get("service_tier")) if type(tree) is dict else None
