"""The neutral form of model traffic: what policies judge, whatever dialect it came in.

A dialect reads bytes into these values and writes changes back; a policy sees texts and never a body. Values only.
"""

from collections.abc import Hashable, Mapping
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

from keeptrusts.contract.usage import ServiceTier, Usage

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands in a decoded body: `("messages", 2, "content")`."""

Channel: TypeAlias = Hashable
"""One stream of text inside a streamed reply: a choice or output index, and a field."""

Changes: TypeAlias = Mapping[Path, str]
"""New values for strings of a body, by their place."""


class Route(StrEnum):
    """A model route, by its path below `/v1`."""

    CHAT = "chat/completions"
    COMPLETIONS = "completions"
    RESPONSES = "responses"
    EMBEDDINGS = "embeddings"
    MODERATIONS = "moderations"
    SPEECH = "audio/speech"
    TRANSCRIPTIONS = "audio/transcriptions"
    TRANSLATIONS = "audio/translations"
    IMAGE_GENERATIONS = "images/generations"
    IMAGE_EDITS = "images/edits"
    IMAGE_VARIATIONS = "images/variations"
    MESSAGES = "messages"
    COUNT_TOKENS = "messages/count_tokens"


class Form(StrEnum):
    """How a string is to be read: as prose, or as the text of a JSON document (tool arguments)."""

    PROSE = "prose"
    JSON = "json"


class Role(StrEnum):
    """Who speaks in a text."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Text(msgspec.Struct, frozen=True, gc=False):
    """One string that a person or a model reads."""

    path: Path
    value: str
    role: Role = Role.USER
    form: Form = Form.PROSE


class Unreadable(msgspec.Struct, frozen=True, gc=False):
    """A part that carries content which no text policy can read, such as an image."""

    path: Path
    kind: str


class Call(msgspec.Struct, kw_only=True):
    """A request to a model, as far as the gateway needs to understand it.

    `tree` is the decoded JSON body (or the fields of a form) and must not be changed; `body` are the exact bytes.
    """

    route: Route
    body: bytes
    content_type: bytes
    tree: dict[str, Any]
    model: str
    stream: bool = False
    asks_usage: bool = True  # False: a streamed reply will carry no usage unless we ask for it
    asks_logprobs: bool = False
    choices: int = 1  # how many answers the call asks for (`n`, `best_of`, a list of prompts)
    max_output_tokens: int | None = None  # what the client allows each of them, None where it says nothing
    tools: tuple[str, ...] = ()  # names of the functions that the call offers, and types of other tools
    unreadable_reply: str | None = None  # "audio", "image": the reply will carry content that no policy can read
    server_tools: tuple[str, ...] = ()  # types of provider-side tools that the call names
    tool_uses: int | None = None  # how often all of those may run, None where the call sets no limit
    service_tier: ServiceTier | None = None  # the one asked for, None where the provider chooses
    provider_state: tuple[Path, ...] = ()  # where the call names an object that lives at the provider


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer. `tree` is the decoded body, None where it carries no JSON or was not read for texts."""

    route: Route
    body: bytes
    tree: Any
    texts: tuple[Text, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    usage: Usage | None = None


class Fragment(msgspec.Struct, frozen=True, gc=False):
    """A further bit of one channel's text, and where it stands in its event."""

    channel: Channel
    path: Path
    value: str
    form: Form = Form.PROSE


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One server-sent event of a streamed reply.

    `closes` names the channels whose text ends with this event (its own fragments included); `closes_all` means every
    open one.
    `repeats` are whole texts: they say again what fragments said before, or come only whole (a tool's result).
    `literal` is the place of the only fragment's JSON string in the event, where no more was decoded: then no tree.
    """

    event: bytes
    tree: Any = None
    fragments: tuple[Fragment, ...] = ()
    repeats: tuple[Text, ...] = ()
    closes: tuple[Channel, ...] = ()
    closes_all: bool = False
    literal: tuple[int, int] | None = None
    unreadable: tuple[Unreadable, ...] = ()
