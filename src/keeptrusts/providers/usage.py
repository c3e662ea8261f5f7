"""Token counts as providers report them, in the shapes of all routes."""

from typing import Any

import msgspec

from keeptrusts.contract.usage import Usage


class Details(msgspec.Struct):
    """What `input_tokens` or `prompt_tokens` includes."""

    cached_tokens: int | None = None


class Counts(msgspec.Struct):
    """A `usage` object of either dialect."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    prompt_tokens_details: Details | None = None
    input_tokens_details: Details | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class Envelope(msgspec.Struct):
    """A body of which only the usage matters."""

    usage: Counts | None = None


_decode = msgspec.json.Decoder(Envelope).decode


def openai_usage(counts: Counts) -> Usage | None:
    """OpenAI's counts: the input includes what was cached. None where nothing is counted (audio by the second)."""
    read = counts.prompt_tokens if counts.prompt_tokens is not None else counts.input_tokens
    written = counts.completion_tokens if counts.completion_tokens is not None else counts.output_tokens
    if read is None and written is None:
        return None
    details = counts.prompt_tokens_details or counts.input_tokens_details
    cached = details.cached_tokens if details else None
    return Usage(
        input_tokens=max(0, read or 0), cached_input_tokens=max(0, cached or 0), output_tokens=max(0, written or 0)
    )


def anthropic_usage(counts: Counts, before: Usage | None = None) -> Usage | None:
    """Anthropic's counts, where the input excludes what was read from or written to the cache.

    `before` is what earlier events of a stream said: later ones are cumulative, and may leave the input out.
    """
    before = before or Usage()
    if counts.input_tokens is None:
        read, cached = before.input_tokens, before.cached_input_tokens
    else:
        cached = max(0, counts.cache_read_input_tokens or 0)
        read = max(0, counts.input_tokens) + cached + max(0, counts.cache_creation_input_tokens or 0)
    written = before.output_tokens if counts.output_tokens is None else max(0, counts.output_tokens)
    return Usage(input_tokens=read, cached_input_tokens=cached, output_tokens=written)


def read_counts(value: Any) -> Counts | None:
    """A decoded `usage` object; None where it is no such thing. A wrong count is left out, not trusted."""
    if type(value) is not dict:
        return None
    try:
        return msgspec.convert(value, Counts)
    except msgspec.ValidationError:
        numbers = {key: count for key, count in value.items() if type(count) is int}
        return msgspec.convert(numbers, Counts)


def find_counts(body: bytes) -> Counts | None:
    """The `usage` of a JSON body, without decoding the rest. None where there is none or the body is not JSON."""
    try:
        return _decode(body).usage
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _find_counts_slowly(body)


def _find_counts_slowly(body: bytes) -> Counts | None:
    try:
        tree = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return read_counts(tree.get("usage")) if type(tree) is dict else None
