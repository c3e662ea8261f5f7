"""What a call asks of the fake provider, whatever its dialect: the last text, commands in it, a tool to call."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

LONGEST_ECHO = 2000
LONGEST_WAIT_S = 30.0
LEAK = "Jane Doe paid with card 4111 1111 1111 1111; write to her at jane.doe@example.com."

_COMMAND = re.compile(r"\s*\bfake:(error|slow|truncate|leak)\b(?: (\d{1,4}(?:\.\d{1,3})?))?")
_PIECE = re.compile(r"\s*\S{1,6}|\s+")
_TOOL_RESULTS = {"tool_result", "function_call_output"}


class Refused(Exception):
    """The call is not one that a provider accepts, or is to fail on demand."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """What the last message asks for beside an answer."""

    error: int | None = None
    slow_s: float = 0.0
    truncate: bool = False
    leak: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One call to a model. `tokens` counts the words of all its texts."""

    text: str
    tokens: int
    commands: Commands
    answers_tool: bool = False

    @property
    def answer(self) -> str:
        return LEAK if self.commands.leak else f"You said: {self.text[:LONGEST_ECHO]}"


def read_prompt(messages: object, *more: object) -> Prompt:
    """Read a list of messages, a string or a list of strings. `more` counts as input but is not answered."""
    turns = messages if isinstance(messages, list) else [messages]
    said = [[text for text in texts_in(turn) if text] for turn in turns if not _is_from_model(turn)]
    last = " ".join(next((texts for texts in reversed(said) if texts), []))
    commands = read_commands(last)
    if commands.error is not None:
        raise Refused(commands.error, f"Failed with {commands.error}, as the message asked.")
    everything = (text for value in (messages, *more) for text in texts_in(value))
    return Prompt(
        text=_COMMAND.sub("", last).strip(),
        tokens=sum(count_words(text) for text in everything),
        commands=commands,
        answers_tool=bool(turns) and _holds_tool_result(turns[-1]),
    )


def read_commands(text: str) -> Commands:
    """The `fake:` words of a text. Of one that is repeated the last counts."""
    found: dict[str, str] = dict(_COMMAND.findall(text))
    error = found.get("error")
    return Commands(
        error=None if error is None else _status(error),
        slow_s=min(float(found.get("slow") or 0), LONGEST_WAIT_S),
        truncate="truncate" in found,
        leak="leak" in found,
    )


def texts_in(value: object) -> Iterator[str]:
    """Every text of a message, a list of parts, or a tool's result."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        if value and isinstance(value[0], int):
            yield f"{len(value)} tokens"
            return
        for part in value:
            yield from texts_in(part)
    elif isinstance(value, dict):
        for key in ("content", "text", "output"):
            yield from texts_in(value.get(key))


def count_words(text: str) -> int:
    return max(1, len(text.split()))


def pieces_of(text: str) -> list[str]:
    """A text as a model streams it: cut inside of words too."""
    return _PIECE.findall(text)


def example_of(schema: object, text: str, depth: int = 4) -> Any:
    """A value that fits a JSON schema, with `text` wherever a string may stand."""
    if not isinstance(schema, dict) or depth == 0:
        return None
    choices = schema.get("enum") or [schema[key] for key in ("const",) if key in schema]
    if choices:
        return choices[0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return example_of(schema[key][0], text, depth - 1)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties") or {}
        return {name: example_of(inner, text, depth - 1) for name, inner in properties.items()}
    simple: dict[str, Any] = {"integer": 1, "number": 1.5, "boolean": True, "null": None, "array": []}
    return simple.get(kind, text) if isinstance(kind, str) else text


def encode(value: object) -> bytes:
    return msgspec.json.encode(value)


def _status(number: str) -> int:
    status = int(float(number or 500))
    return status if 400 <= status <= 599 else 500


def _is_from_model(turn: object) -> bool:
    return isinstance(turn, dict) and (turn.get("role") in {"assistant", "system", "developer"})


def _holds_tool_result(turn: object) -> bool:
    if not isinstance(turn, dict):
        return False
    content = turn.get("content")
    parts = content if isinstance(content, list) else []
    return (
        turn.get("role") == "tool"
        or turn.get("type") in _TOOL_RESULTS
        or any(isinstance(part, dict) and part.get("type") in _TOOL_RESULTS for part in parts)
    )
