"""What calls have used so far, per target and model: the bound of a call under `bound: learned`.

From the latest calls: the most input tokens for a byte of body, and the most output tokens of one answer, each with a
margin. Never above the strict bound. A call that uses more than any before it can pass the cap, by what it costs beyond
its hold; it is counted in full.
"""

from dataclasses import dataclass
from math import ceil

import msgspec

from keeptrusts.contract.call import Call
from keeptrusts.contract.usage import Usage
from keeptrusts.providers.pricing import HIDDEN_TOKENS

MIN_CALLS = 20
"""Until so many calls are known, bounds are strict."""
WINDOW = 500
"""What is learned is forgotten after this many further calls, and not before."""
INPUT_MARGIN = 1.25
OUTPUT_MARGIN = 2
MAX_MODELS = 1000


@dataclass(slots=True)
class Learned:
    """The most that was seen in a window of calls."""

    calls: int = 0
    tokens_per_byte: float = 0.0
    output_tokens: int = 0


class LearnedBounds:
    """Owned by the event loop of one worker; learnt anew after a start."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], tuple[Learned, Learned]] = {}  # the one before, and the current one

    def learn(self, target_id: str, call: Call, usage: Usage) -> None:
        """Take in what a call used. An estimate teaches nothing."""
        if usage.estimated or not usage.input_tokens or not call.body:
            return
        key = (target_id, call.model)
        windows = self._windows.get(key)
        if windows is None or windows[1].calls >= WINDOW:
            windows = self._turn(key, windows)
        current = windows[1]
        current.calls += 1
        current.tokens_per_byte = max(current.tokens_per_byte, usage.input_tokens / len(call.body))
        current.output_tokens = max(current.output_tokens, -(-usage.output_tokens // call.choices))

    def _turn(self, key: tuple[str, str], windows: tuple[Learned, Learned] | None) -> tuple[Learned, Learned]:
        """Begin another window; the current one, if there is one, is the one before it."""
        if windows is None and len(self._windows) >= MAX_MODELS:
            self._windows.clear()
        turned = self._windows[key] = (Learned() if windows is None else windows[1], Learned())
        return turned

    def narrow(self, target_id: str, call: Call, body_bytes: int) -> tuple[Call, int]:
        """The call and the length of its body as if it used no more than is known: what its price is then asked of.

        As they are, where too little is known, or where the call can cost what its like did not show.
        """
        windows = self._windows.get((target_id, call.model))
        if windows is None or sum(one.calls for one in windows) < MIN_CALLS or "prediction" in call.tree:
            return call, body_bytes
        read = ceil(max(one.tokens_per_byte for one in windows) * body_bytes * INPUT_MARGIN)
        written = max(one.output_tokens for one in windows) * OUTPUT_MARGIN
        if call.max_output_tokens is not None:
            written = min(written, call.max_output_tokens)
        return msgspec.structs.replace(call, max_output_tokens=written), min(read - HIDDEN_TOKENS, body_bytes)
