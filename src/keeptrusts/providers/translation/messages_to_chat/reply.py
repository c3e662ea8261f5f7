"""A whole chat completion as a message."""

from typing import Any

from keeptrusts.contract.faults import Fault
from keeptrusts.providers.anthropic.unsigned import UNSIGNED
from keeptrusts.providers.json_body import encode
from keeptrusts.providers.streams import kind_of
from keeptrusts.providers.translation.messages_to_chat.completion import (
    REFUSAL,
    THINKING,
    Choice,
    Completion,
    Message,
    arguments_of,
    calls_of,
    decode_completion,
    read_arguments,
    texts_of,
    unfit,
)
from keeptrusts.providers.translation.messages_to_chat.ending import (
    ending,
    message_id,
    read_usage,
    tool_id,
    write_usage,
)
from keeptrusts.providers.translation.translator import Translated


def read_reply(body: bytes, model: str) -> Translated:
    """Raises Fault(UPSTREAM_ERROR) for what is no answer, or none that a message can hold."""
    completion = _read_completion(body)
    choice = next((choice for choice in completion.choices or () if choice.index == 0), None)
    if choice is None or choice.message is None:
        raise unfit("has no `choices[0].message`")
    name = message_id(completion.id)
    said = texts_of(choice.message)
    uses = _write_uses(choice, choice.message, name)
    usage = read_usage(completion.usage)
    message = {
        "id": name,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [*(_write_text(kind, text) for kind, text in said), *uses],
        **ending(
            choice.finish_reason,
            choice.stop_reason,
            uses_tools=bool(uses),
            refuses=any(kind == REFUSAL for kind, _ in said),
        ),
        "usage": write_usage(usage),
    }
    return Translated(encode(message), usage)


def _read_completion(body: bytes) -> Completion:
    try:
        completion = decode_completion(body)
    except (ValueError, RecursionError):  # msgspec's errors and bad UTF-8 are ValueErrors
        raise unfit("is no chat completion") from None
    if completion.error:
        raise unfit(f"is an error: {kind_of(completion.error)}")
    return completion


def _write_text(kind: str, text: str) -> dict[str, Any]:
    """Thinking bears a mark for a signature, by which it is known when it comes back."""
    if kind == THINKING:
        return {"type": "thinking", "thinking": text, "signature": UNSIGNED}
    return {"type": "text", "text": text}


def _write_uses(choice: Choice, message: Message, name: str) -> list[dict[str, Any]]:
    calls = calls_of(message)
    uses: list[dict[str, Any]] = []
    for position, call in enumerate(calls):
        function = call.function
        if function is None or not function.name:
            raise unfit("calls a tool without its name")
        try:
            arguments = read_arguments(arguments_of(function))
        except Fault:
            if choice.finish_reason == "length" and position == len(calls) - 1:
                break  # the limit cut it short, as `max_tokens` will say
            raise
        uses.append({
            "type": "tool_use",
            "id": tool_id(call.id, name, position),
            "name": function.name,
            "input": arguments,
        })  # fmt: skip
    return uses
