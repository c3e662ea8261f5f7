"""What the fake provider answers with: a whole body, or the events of a stream."""

from dataclasses import dataclass
from typing import TypeAlias

from keeptrusts.cli.fake_provider.prompt import Commands, encode

NO_COMMANDS = Commands()


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One JSON body."""

    body: bytes
    status: int = 200
    commands: Commands = NO_COMMANDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """The server-sent events of one answer, in order, each with the blank line that ends it."""

    events: list[bytes]
    commands: Commands = NO_COMMANDS


Reply: TypeAlias = Whole | Streamed


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one answer from another: a running number, and seconds since 1970."""

    number: int
    created: int


def data_event(value: object) -> bytes:
    """An event without a name, as OpenAI's chat streams are made of."""
    return b"data: " + encode(value) + b"\n\n"


def named_event(value: dict[str, object]) -> bytes:
    """An event that bears its type twice, as OpenAI's Responses and Anthropic's Messages have them."""
    return b"event: " + str(value["type"]).encode() + b"\n" + data_event(value)
