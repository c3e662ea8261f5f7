"""What judging a pack can find: problems as values, and the one exception that carries them."""

from collections.abc import Sequence

import msgspec

from keeptrusts.contract.call import Path


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, where, and what to do. Safe to show: no secret, no control character.

    `path` reads `policy.pii-detector.detect_patterns[2]`; `line` and `column` count from 1,
    and are 0 where the problem is none of the text.
    """

    code: str
    path: str
    line: int
    column: int
    message: str
    excerpt: str
    suggestion: str = ""

    @property
    def is_warning(self) -> bool:
        return self.code.startswith("W")

    def __str__(self) -> str:
        where = f"{self.line}:{self.column}: {self.code} " if self.line else f"{self.code} "
        return where + (f"{self.path}: {self.message}" if self.path else self.message)


class InvalidPack(ValueError):
    """A pack that is refused. `problems` has at least one."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def format_problem(problem: Problem, file: str = "") -> str:
    """A problem for a terminal: place and message, then the masked line and the way out, where there are any."""
    lines = [f"{file}:{problem}" if file and problem.line else f"{file}: {problem}" if file else str(problem)]
    if problem.excerpt:
        lines.append(f"    | {problem.excerpt}")
    if problem.suggestion:
        lines.append(f"    = {problem.suggestion}")
    return "\n".join(lines)


def format_path(path: Path) -> str:
    """A path as people write it, with odd keys in quotes."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("-", "").replace("_", "").isalnum():
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text


def parse_path(text: str) -> Path:
    """The steps of a path such as `detect_patterns[2]`, as compilers of policies name the place of an error."""
    steps: list[str | int] = []
    for part in text.replace("[", ".[").split("."):
        if part.startswith("[") and part.endswith("]") and part[1:-1].isdecimal():
            steps.append(int(part[1:-1]))
        elif part:
            steps.append(part)
    return tuple(steps)
