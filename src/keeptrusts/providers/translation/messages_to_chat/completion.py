"""What a chat target sends, whole or in chunks, as far as a messages client can be given it.

One shape serves both: a chunk's `delta` is a part of what a whole answer has as `message`.
"""

from typing import Any

import msgspec

from keeptrusts.contract.faults import Code, Fault

TEXT, THINKING, REFUSAL = "text", "thinking", "refusal"


class Function(msgspec.Struct):
    """`arguments` is the text of a JSON document; some servers give the document itself."""

    name: str | None = None
    arguments: Any = None


class ToolCall(msgspec.Struct):
    """A call of a tool, or a bit of one: then `index` says of which."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None


class Message(msgspec.Struct):
    """A whole message or a delta. `reasoning_content` and `reasoning` are two names for one thing."""

    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: Function | None = None
    images: Any = None
    audio: Any = None


class Choice(msgspec.Struct):
    """`stop_reason` is what some servers call the stop sequence that they found."""

    index: int = 0
    message: Message | None = None
    delta: Message | None = None
    finish_reason: str | None = None
    stop_reason: Any = None


class Completion(msgspec.Struct):
    """A whole answer or a chunk."""

    id: Any = None
    choices: list[Choice] | None = None
    usage: Any = None
    error: Any = None


decode_completion = msgspec.json.Decoder(Completion).decode


def texts_of(message: Message) -> list[tuple[str, str]]:
    """Kind and text, in the order in which they are to be read. Raises Fault(UPSTREAM_ERROR) for what is no text."""
    if message.images or message.audio:
        raise unfit("holds an image or sound, which no message of an assistant can")
    said: list[tuple[str, str]] = []
    reasoning = message.reasoning_content or message.reasoning
    if type(reasoning) is str and reasoning:
        said.append((THINKING, reasoning))
    content = message.content
    if type(content) is str:
        if content:
            said.append((TEXT, content))
    elif content is not None:
        said += _texts_of_parts(content, TEXT)
    if message.refusal:
        said.append((REFUSAL, message.refusal))
    return said


def calls_of(message: Message) -> list[ToolCall]:
    """The calls of tools, one in the older `function_call` too."""
    calls = message.tool_calls or []
    return calls if message.function_call is None else [*calls, ToolCall(function=message.function_call)]


def read_arguments(text: str) -> msgspec.Raw:
    """The input of a tool, with every number as the model wrote it. Raises Fault(UPSTREAM_ERROR) for what is no object.

    No text at all is how some servers say that there is no input.
    """
    if not text.strip():
        return msgspec.Raw(b"{}")
    try:
        arguments = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        arguments = None
    if type(arguments) is not dict:
        raise unfit("calls a tool with arguments that are not a JSON object")
    return msgspec.Raw(text.encode())


def arguments_of(function: Function) -> str:
    """The text of the arguments, or a bit of it. Raises Fault(UPSTREAM_ERROR) for what is neither text nor object."""
    arguments = function.arguments
    if type(arguments) is str:
        return arguments
    if type(arguments) is dict:
        return msgspec.json.encode(arguments).decode()
    if arguments is None:
        return ""
    raise unfit("calls a tool with arguments that are not a JSON object")


def unfit(why: str) -> Fault:
    return Fault(Code.UPSTREAM_ERROR, f"The provider's answer {why}. Send the call again, or use another model.")


def _texts_of_parts(parts: Any, kind: str) -> list[tuple[str, str]]:
    """Content in parts, as some servers give it where there is thinking in it."""
    said: list[tuple[str, str]] = []
    for part in parts if type(parts) is list else [parts]:
        found = part.get("type") if type(part) is dict else None
        inner = part.get(found) if type(found) is str and found in {TEXT, THINKING, REFUSAL} else None
        own = kind if found == TEXT else str(found)
        if type(inner) is str:
            said.append((own, inner))
        elif type(inner) is list and found == THINKING:
            said += _texts_of_parts(inner, THINKING)
        else:
            raise unfit("holds a part that is no text")
    return [(own, text) for own, text in said if text]
