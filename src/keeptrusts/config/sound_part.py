"""What is left of a policy's settings without the parts that were objected to, so that the rest can be judged too."""

from collections.abc import Collection, Mapping
from typing import Any

from keeptrusts.contract.call import Path


class SoundPart:
    """The rest of one policy's settings. `bad` are the paths objected to, from the settings' own root on.

    What is lost with an entry of a list is the whole entry; a number without which the settings mean nothing is stood
    in for by one that is possible.
    """

    def __init__(self, settings: Any, bad: Collection[Path], schema: Mapping[str, Any]) -> None:
        self._bad = {_up_to_entry(path) for path in bad}
        self.settings = self._without(settings, ())
        if isinstance(self.settings, dict):
            for name in schema.get("required", ()):
                self.settings.setdefault(name, _possible(schema["properties"][name]))

    def is_follow_up(self, path: Path, rests_on: str = "") -> bool:
        """Whether a problem at `path`, as written, may be there only because something was left out.

        `rests_on` is another setting that the problem is about.
        """
        return any(bad[: len(path)] == path or bad[:1] == (rests_on,) for bad in self._bad)

    def original(self, path: Path) -> Path:
        """Where a path of the rest leads in the settings as they are written."""
        steps: Path = ()
        for step in path:
            if isinstance(step, int):
                for lost in sorted(bad[-1] for bad in self._bad if bad[:-1] == steps and isinstance(bad[-1], int)):
                    step += lost <= step  # noqa: PLW2901 - each lost entry before it moves it by one
            steps = (*steps, step)
        return steps

    def _without(self, value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {
                key: self._without(one, inner) for key, one in value.items() if (inner := (*path, key)) not in self._bad
            }
        if isinstance(value, list):
            return [
                self._without(one, inner)
                for index, one in enumerate(value)
                if (inner := (*path, index)) not in self._bad
            ]
        return value


def _up_to_entry(path: Path) -> Path:
    """The path of the entry of a list that this path leads into, else the path itself."""
    first = next((index for index, step in enumerate(path) if isinstance(step, int)), len(path))
    return path[: first + 1]


def _possible(schema: Mapping[str, Any]) -> Any:
    """A value of a number's bounds; None for anything else, which nothing can be made of."""
    if schema.get("type") not in {"number", "integer"}:
        return None
    return max(schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1)
