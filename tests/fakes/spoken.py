"""What a streamed answer says, put together from its events as an SDK would, in every dialect."""

import json
from collections import defaultdict
from typing import Any


def events_in(body: bytes) -> list[dict[str, Any]]:
    """The JSON of every event, in order; `[DONE]` and comments are left out."""
    found = []
    for event in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        lines = [line.removeprefix(b"data:").strip() for line in event.split(b"\n") if line.startswith(b"data:")]
        if lines and lines != [b"[DONE]"]:
            found.append(json.loads(b"\n".join(lines)))
    return found


def spoken(body: bytes) -> dict[str, str]:
    """The whole text of each channel: what all its deltas amount to."""
    texts: defaultdict[str, str] = defaultdict(str)
    for event in events_in(body):
        for choice in event.get("choices") or ():
            _join(texts, f"choice {choice['index']}", {"text": choice.get("text"), **(choice.get("delta") or {})})
        kind = event.get("type", "")
        if kind == "content_block_delta":
            _join(texts, f"block {event['index']}", event["delta"])
        elif kind.endswith(".delta") and isinstance(event.get("delta"), str):
            texts[f"{kind} {event.get('output_index')}"] += event["delta"]
    return {channel: text for channel, text in texts.items() if text}


def _join(texts: dict[str, str], name: str, delta: dict[str, Any]) -> None:
    for key in (
        "text",
        "content",
        "refusal",
        "reasoning_content",
        "reasoning",
        "partial_json",
        "thinking",
        "signature",
    ):
        if isinstance(delta.get(key), str):
            texts[f"{name} {key}"] += delta[key]
    for call in delta.get("tool_calls") or ():
        texts[f"{name} tool {call['index']}"] += (call.get("function") or {}).get("arguments") or ""
