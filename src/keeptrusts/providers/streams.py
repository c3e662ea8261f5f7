"""What the stream readers of all dialects share: changing an event's texts, and making a further event like another."""

from typing import Any

from keeptrusts.contract.call import Changes, Path, Role
from keeptrusts.providers import sse
from keeptrusts.providers.inventory import NEUTRAL, Inventory
from keeptrusts.providers.json_body import decode, encode

_ERROR_WORDS = NEUTRAL | {"code", "param"}

UNREADABLE_EVENT = "event that is not JSON"


def find_tree(data: bytes) -> dict[str, Any] | None:
    """The event's data as a JSON object, None where they are no such thing."""
    try:
        tree = decode(data)
    except (ValueError, RecursionError):  # msgspec's errors and bad UTF-8 are ValueErrors
        return None
    return tree if type(tree) is dict else None


def effective(tree: Any, changes: Changes) -> dict[Path, str]:
    """Those changes that change anything."""
    if not changes:
        return {}
    return {path: value for path, value in changes.items() if value_at(tree, path) != value}


def value_at(tree: Any, path: Path) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def rewritten(event: bytes, tree: Any) -> bytes:
    """The event with other data; its name, id and comments stay."""
    data = encode(tree)
    if event.startswith(b"data:") and event.find(b"\n") == len(event) - 2:
        return b"data: %b\n\n" % data
    kept = [line for line in _lines(event) if not line.startswith(b"data")]
    return b"".join((*(line + b"\n" for line in kept), b"data: ", data, b"\n\n"))


def _lines(event: bytes) -> list[bytes]:
    return [line for line in event.removeprefix(b"\xef\xbb\xbf").splitlines() if line]


def sole_text(tree: dict[str, Any], path: Path, text: str, leave_out: frozenset[str]) -> dict[str, Any]:
    """An event like this one whose only text is `text`. Identifiers of a tool call are said once and not again."""
    alone: dict[str, Any] = {
        key: value for key, value in tree.items() if type(value) not in {dict, list} and key not in leave_out
    }
    alone[str(path[0])] = _branch(tree[str(path[0])], path[1:], text)
    return alone


def _branch(node: Any, path: Path, text: str) -> Any:
    if not path:
        return text
    step = path[0]
    inner = _branch(node[step], path[1:], text)
    if type(node) is list:
        return [inner]
    alone: dict[str | int, Any] = {key: node[key] for key in ("index", "type") if key in node}
    alone[step] = inner
    return alone


def without_logprobs(tree: Any) -> Any:
    """A copy in which no `logprobs` give away, token by token, what a text no longer says."""
    if type(tree) is dict:
        return {
            key: ([] if type(value) is list else None) if key == "logprobs" else without_logprobs(value)
            for key, value in tree.items()
        }
    if type(tree) is list:
        return [without_logprobs(value) for value in tree]
    return tree


def collect_error(found: Inventory, path: Path, error: Any) -> None:
    """The texts of an in-band error, which may quote the prompt."""
    found.strings(path, error, Role.ASSISTANT, _ERROR_WORDS)


def index_of(value: Any, default: int = 0) -> int:
    """An index as the provider gave it; whatever else stands there is taken for the first."""
    return value if type(value) is int else default


def type_of(tree: dict[str, Any]) -> str:
    """The type of an event; "" where it has none."""
    kind = tree.get("type")
    return kind if type(kind) is str else ""


def kind_of(error: Any) -> str:
    """What kind of in-band error the provider sent: never its text, which may quote the prompt."""
    if type(error) is dict:
        for key in ("code", "type"):
            value = error.get(key)
            if type(value) is int or (
                type(value) is str and value.isascii() and value.isprintable() and 0 < len(value) <= 64
            ):
                return str(value)
    return "error"


def event_of(name: str, tree: dict[str, Any]) -> bytes:
    return sse.render(name, encode(tree))
