"""Bodies that say themselves what must be judged: every string that contains SEEN, and no other."""

from collections.abc import Callable
from typing import Any

from keeptrusts.contract.call import Path, Text
from keeptrusts.providers.inventory import Inventory
from keeptrusts.providers.json_body import iter_string_paths
from keeptrusts.providers.streams import value_at


def canaries(tree: Any) -> set[Path]:
    """Where the strings stand that must be judged."""
    return {path for path, is_key in iter_string_paths(tree) if not is_key and "SEEN" in value_at(tree, path)}


def check_texts(tree: Any, texts: list[Text] | tuple[Text, ...]) -> None:
    """Exactly the canaries are texts, each once and with its own value."""
    assert sorted(map(repr, (text.path for text in texts))) == sorted(map(repr, canaries(tree)))
    assert all(text.value == value_at(tree, text.path) for text in texts)


def inventory_of(collect: Callable[[Any, Inventory], None], tree: Any) -> Inventory:
    found = Inventory()
    collect(tree, found)
    check_texts(tree, found.texts)
    return found


def kinds(found: Inventory) -> dict[Path, str]:
    return {part.path: part.kind for part in found.unreadable}
