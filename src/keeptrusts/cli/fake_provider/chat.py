"""OpenAI's chat and text completions, faked: `/v1/chat/completions` and `/v1/completions`, whole and streamed."""

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
from keeptrusts.cli.fake_provider.reply import Reply, Stamp, Streamed, Whole, data_event

MOST_CHOICES = 8
DONE = b"data: [DONE]\n\n"


def answer_chat(call: dict[str, Any], stamp: Stamp) -> Reply:
    """Raises Refused for a call without messages, and for one that asks to fail."""
    if not call.get("messages"):
        raise Refused(400, "Missing required parameter: 'messages'.")
    prompt = read_prompt(call["messages"], [tool.get("function", {}).get("description") for tool in _tools(call)])
    tool = _chosen_tool(call, prompt)
    message = _message(prompt, call, tool, stamp)
    finish = "tool_calls" if tool else "stop"
    written = message["tool_calls"][0]["function"]["arguments"] if tool else message["content"]
    usage = usage_of(prompt.tokens, count_words(written) * choices_of(call))
    head = {"id": f"chatcmpl-fake{stamp.number}", "created": stamp.created, "model": call["model"]}
    if call.get("stream"):
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None if tool else ""}, *_deltas(message)]
        steps: list[dict[str, Any]] = [{"delta": delta, "finish_reason": None} for delta in deltas]
        steps.append({"delta": {}, "finish_reason": finish})
        head["object"] = "chat.completion.chunk"
        return Streamed(events=stream_of(head, steps, usage, call), commands=prompt.commands)
    choices = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": finish}
        for index in range(choices_of(call))
    ]
    body = {**head, "object": "chat.completion", "choices": choices, "usage": usage}
    return Whole(body=encode(body), commands=prompt.commands)


def answer_completion(call: dict[str, Any], stamp: Stamp) -> Reply:
    """Raises Refused for a call without a prompt, and for one that asks to fail."""
    if "prompt" not in call:
        raise Refused(400, "Missing required parameter: 'prompt'.")
    prompt = read_prompt(call["prompt"], call.get("suffix"))
    usage = usage_of(prompt.tokens, count_words(prompt.answer) * choices_of(call))
    head = {
        "id": f"cmpl-fake{stamp.number}",
        "object": "text_completion",
        "created": stamp.created,
        "model": call["model"],
    }
    if call.get("stream"):
        steps = [{"text": piece, "logprobs": None, "finish_reason": None} for piece in pieces_of(prompt.answer)]
        steps.append({"text": "", "logprobs": None, "finish_reason": "stop"})
        return Streamed(events=stream_of(head, steps, usage, call), commands=prompt.commands)
    choices = [
        {"index": index, "text": prompt.answer, "logprobs": None, "finish_reason": "stop"}
        for index in range(choices_of(call))
    ]
    return Whole(body=encode({**head, "choices": choices, "usage": usage}), commands=prompt.commands)


def choices_of(call: dict[str, Any]) -> int:
    """How many answers are asked for. Raises Refused for more than a fake needs."""
    asked = call.get("n") or 1
    if not isinstance(asked, int) or not 1 <= asked <= MOST_CHOICES:
        raise Refused(400, f"Invalid value for 'n': expected 1 to {MOST_CHOICES}.")
    return asked


def usage_of(read: int, written: int) -> dict[str, Any]:
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def stream_of(
    head: dict[str, Any], steps: list[dict[str, Any]], usage: dict[str, Any], call: dict[str, Any]
) -> list[bytes]:
    """The chunks of all choices in turn, the usage where it is asked for, and the end."""
    asks_usage = bool((call.get("stream_options") or {}).get("include_usage"))
    nothing = {"usage": None} if asks_usage else {}
    events = [
        data_event({**head, "choices": [{"index": index, **step}], **nothing})
        for step in steps
        for index in range(choices_of(call))
    ]
    if asks_usage:
        events.append(data_event({**head, "choices": [], "usage": usage}))
    return [*events, DONE]


def _message(prompt: Prompt, call: dict[str, Any], tool: dict[str, Any] | None, stamp: Stamp) -> dict[str, Any]:
    if tool is None:
        return {"role": "assistant", "content": _written(prompt, call), "refusal": None}
    arguments = encode(example_of(tool.get("parameters"), prompt.answer) or {}).decode()
    called = {
        "id": f"call_fake{stamp.number}",
        "type": "function",
        "function": {"name": tool.get("name"), "arguments": arguments},
    }
    return {"role": "assistant", "content": None, "refusal": None, "tool_calls": [called]}


def _written(prompt: Prompt, call: dict[str, Any]) -> str:
    """The answer as prose, or as JSON where the call asks for that."""
    wanted = call.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return encode(example_of(wanted.get("json_schema", {}).get("schema"), prompt.answer)).decode()
    if wanted.get("type") == "json_object":
        return encode({"answer": prompt.answer}).decode()
    return prompt.answer


def _deltas(message: dict[str, Any]) -> list[dict[str, Any]]:
    """A message in pieces. A tool's id and name stand in the first piece only, as at the provider."""
    if not message.get("tool_calls"):
        return [{"content": piece} for piece in pieces_of(message["content"])]
    called = message["tool_calls"][0]
    first = {**called, "index": 0, "function": {**called["function"], "arguments": ""}}
    rest = [{"index": 0, "function": {"arguments": piece}} for piece in pieces_of(called["function"]["arguments"])]
    return [{"tool_calls": [part]} for part in (first, *rest)]


def _tools(call: dict[str, Any]) -> list[dict[str, Any]]:
    return [tool for tool in call.get("tools") or [] if isinstance(tool, dict)]


def _chosen_tool(call: dict[str, Any], prompt: Prompt) -> dict[str, Any] | None:
    """The function to call: the named one, else the first; none in answer to a tool's result."""
    functions: list[dict[str, Any]] = [
        tool["function"] for tool in _tools(call) if isinstance(tool.get("function"), dict)
    ]
    choice = call.get("tool_choice")
    if choice == "none" or prompt.answers_tool or not functions:
        return None
    named = choice.get("function", {}).get("name") if isinstance(choice, dict) else None
    return next((function for function in functions if function.get("name") == named), functions[0])
