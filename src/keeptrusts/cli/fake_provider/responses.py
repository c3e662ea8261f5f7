"""OpenAI's Responses API, faked: whole, and streamed with every event that its SDK waits for, in order."""

from collections.abc import Iterator
from typing import Any

from keeptrusts.cli.fake_provider.prompt import (
    Prompt,
    Refused,
    count_words,
    encode,
    example_of,
    pieces_of,
    read_prompt,
)
from keeptrusts.cli.fake_provider.reply import Reply, Stamp, Streamed, Whole, named_event


def answer_response(call: dict[str, Any], stamp: Stamp) -> Reply:
    """Raises Refused for a call without input, and for one that asks to fail."""
    if not call.get("input"):
        raise Refused(400, "Missing required parameter: 'input'.")
    prompt = read_prompt(call["input"], call.get("instructions"))
    item = _item(prompt, call, stamp)
    done = _response(call, stamp, [item], prompt)
    if not call.get("stream"):
        return Whole(body=encode(done), commands=prompt.commands)
    opened = {**done, "status": "in_progress", "completed_at": None, "output": [], "usage": None}
    steps = [
        {"type": "response.created", "response": opened},
        {"type": "response.in_progress", "response": opened},
        *_item_events(item),
        {"type": "response.completed", "response": done},
    ]
    events = [named_event({**step, "sequence_number": number}) for number, step in enumerate(steps)]
    return Streamed(events=events, commands=prompt.commands)


def _item(prompt: Prompt, call: dict[str, Any], stamp: Stamp) -> dict[str, Any]:
    """The one thing that the answer consists of: a message, or a call of a function."""
    tool = _chosen_tool(call, prompt)
    if tool is not None:
        arguments = encode(example_of(tool.get("parameters"), prompt.answer) or {}).decode()
        return {
            "id": f"fc_fake{stamp.number}",
            "type": "function_call",
            "status": "completed",
            "call_id": f"call_fake{stamp.number}",
            "name": tool.get("name"),
            "arguments": arguments,
        }
    return {
        "id": f"msg_fake{stamp.number}",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [_part(_written(prompt, call))],
    }


def _written(prompt: Prompt, call: dict[str, Any]) -> str:
    wanted = (call.get("text") or {}).get("format") or {}
    if wanted.get("type") == "json_schema":
        return encode(example_of(wanted.get("schema"), prompt.answer)).decode()
    if wanted.get("type") == "json_object":
        return encode({"answer": prompt.answer}).decode()
    return prompt.answer


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _response(call: dict[str, Any], stamp: Stamp, output: list[dict[str, Any]], prompt: Prompt) -> dict[str, Any]:
    item = output[0]
    written = count_words(item.get("arguments") or item["content"][0]["text"])
    return {
        "id": f"resp_fake{stamp.number}",
        "object": "response",
        "created_at": stamp.created,
        "status": "completed",
        "completed_at": stamp.created,
        "error": None,
        "incomplete_details": None,
        "instructions": call.get("instructions"),
        "metadata": call.get("metadata") or {},
        "model": call["model"],
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "temperature": 1.0,
        "text": call.get("text") or {"format": {"type": "text"}},
        "tool_choice": call.get("tool_choice") or "auto",
        "tools": call.get("tools") or [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": prompt.tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": prompt.tokens + written,
        },
    }


def _item_events(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An item from its announcement to its end; its text comes in pieces and is then said again, whole."""
    place = {"item_id": item["id"], "output_index": 0}
    if item["type"] == "function_call":
        opened = {**item, "status": "in_progress", "arguments": ""}
        yield {"type": "response.output_item.added", "output_index": 0, "item": opened}
        for piece in pieces_of(item["arguments"]):
            yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
        said = {"arguments": item["arguments"], "name": item["name"]}
        yield {"type": "response.function_call_arguments.done", **place, **said}
    else:
        text = item["content"][0]["text"]
        place["content_index"] = 0
        opened = {**item, "status": "in_progress", "content": []}
        yield {"type": "response.output_item.added", "output_index": 0, "item": opened}
        yield {"type": "response.content_part.added", **place, "part": _part("")}
        for piece in pieces_of(text):
            yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
        yield {"type": "response.output_text.done", **place, "text": text, "logprobs": []}
        yield {"type": "response.content_part.done", **place, "part": _part(text)}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}


def _chosen_tool(call: dict[str, Any], prompt: Prompt) -> dict[str, Any] | None:
    functions = [tool for tool in call.get("tools") or [] if isinstance(tool, dict) and tool.get("type") == "function"]
    choice = call.get("tool_choice")
    if choice == "none" or prompt.answers_tool or not functions:
        return None
    named = choice.get("name") if isinstance(choice, dict) else None
    return next((function for function in functions if function.get("name") == named), functions[0])
