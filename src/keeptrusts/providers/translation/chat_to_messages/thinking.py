"""How much a model is to think: OpenAI's effort in the words that a model of Anthropic's takes.

Since version 4.6 a model decides itself how long to think and takes an effort; earlier ones take a budget in tokens.
"""

import re
from typing import Any

from keeptrusts.contract.faults import Code, Fault

EFFORTS = {
    "none": None,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}
"""`reasoning_effort` as `output_config.effort`."""

BUDGETS = {"minimal": 10, "low": 20, "medium": 50, "high": 80, "xhigh": 95, "max": 95}
"""`reasoning_effort` as the part of `max_tokens` that may be spent on thinking, in percent."""

MIN_BUDGET = 1024
"""The least budget that Anthropic takes, in tokens."""

_ADAPTIVE_SINCE = (4, 6)
_VERSION = re.compile(r"claude-(?:[a-z]+-)*(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")


def write_effort(effort: str, model: str, max_tokens: int, *, continues: bool) -> dict[str, Any]:
    """The members that ask `model` for the effort, of those of `EFFORTS`.

    `continues`: the call brings results of tools. The thinking before them does not come back with a chat completion,
    and without it the earlier models do not go on thinking: they are then not asked to.
    """
    if _is_adaptive(model):
        if effort == "none":
            return {"thinking": {"type": "disabled"}}
        return {"thinking": {"type": "adaptive"}, "output_config": {"effort": EFFORTS[effort]}}
    if effort == "none" or continues:
        return {}
    budget = max(MIN_BUDGET, max_tokens * BUDGETS[effort] // 100)
    if budget >= max_tokens:
        raise Fault(
            Code.INVALID_REQUEST,
            f"To think, this model needs a limit of more than {MIN_BUDGET} output tokens.",
            param="reasoning_effort",
        )
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _is_adaptive(model: str) -> bool:
    """Whether the model takes an effort. A name without a version is taken for a new model's."""
    found = _VERSION.search(model)
    return found is None or (int(found[1]), int(found[2] or 0)) >= _ADAPTIVE_SINCE
