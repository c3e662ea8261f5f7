"""Routes whose calls are little more than a text: completions, embeddings, moderations."""

from typing import Any

from keeptrusts.contract.call import Call, Path, Role
from keeptrusts.providers.fields import read_count, read_tier
from keeptrusts.providers.inventory import Inventory, Reader
from keeptrusts.providers.openai.chat import collect_choices, collect_values, describe_stream
from keeptrusts.providers.openai.parts import collect_part

_SETTINGS = frozenset({
    "stop", "user", "logit_bias", "stream_options", "service_tier", "encoding_format", "safety_identifier",
    "prompt_cache_key", "input_type", "task_type", "truncate", "embedding_types",
})  # fmt: skip
"""As in `chat.SETTINGS`."""


def describe_completion(call: Call) -> None:
    tree = call.tree
    describe_stream(call)
    answers = max(1, read_count(tree, "n") or 1, read_count(tree, "best_of") or 1)
    prompt = tree.get("prompt")
    prompts = len(prompt) if type(prompt) is list and prompt and type(prompt[0]) is not int else 1
    call.choices = answers * prompts
    call.max_output_tokens = read_count(tree, "max_tokens")
    call.service_tier = read_tier(tree)
    call.asks_logprobs = read_count(tree, "logprobs") is not None


def describe_plain(call: Call) -> None:
    """No streams, no tools, no choices."""
    call.service_tier = read_tier(call.tree)


def collect_plain_call(tree: dict[str, Any], found: Inventory) -> None:
    found.members(tree, _CALL_READERS, _SETTINGS, Role.USER)


def collect_completion_reply(tree: dict[str, Any], found: Inventory) -> None:
    found.members(tree, {"choices": collect_choices}, _REPLY_SETTINGS, Role.ASSISTANT)


def collect_prompt(found: Inventory, path: Path, prompt: Any) -> None:
    """A string, or a list of strings, of content parts, or of tokens, which cannot be read."""
    if type(prompt) is not list:
        found.text(path, prompt, Role.USER)
    elif prompt and type(prompt[0]) is int:
        found.unread(path, "tokens")
    else:
        for index, item in enumerate(prompt):
            place = (*path, index)
            if type(item) is dict:
                _collect_item(found, place, item)
            elif type(item) is list or type(item) is int:
                found.unread(place, "tokens")
            else:
                found.text(place, item, Role.USER)


def _collect_item(found: Inventory, path: Path, item: dict[str, Any]) -> None:
    """A content part; some servers leave out its type and name it by its only member."""
    if "type" in item:
        collect_part(found, path, item, Role.USER)
        return
    for key, value in item.items():
        if key in {"text", "title"}:
            found.text((*path, key), value, Role.USER)
        else:
            found.unread((*path, key), key)


_CALL_READERS: dict[str, Reader] = {"prompt": collect_prompt, "input": collect_prompt, "metadata": collect_values}
_REPLY_SETTINGS = frozenset({"usage", "system_fingerprint", "service_tier", "provider"})
