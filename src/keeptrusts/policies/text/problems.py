"""What is wrong with a text policy's settings: all of it at once, each with its place and a way out."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """One thing that is wrong. `path` is within the policy's settings: `detect_patterns[2]`.

    `rests_on` names another setting that makes it a problem.
    """

    path: str
    message: str
    suggestion: str = ""
    rests_on: str = ""


class InvalidSettingsError(ValueError):
    """Settings that a policy cannot run with. `problems` has at least one; the other attributes are the first one's."""

    def __init__(self, problems: Sequence[SettingProblem]) -> None:
        super().__init__("\n".join(f"{problem.path}: {problem.message}" for problem in problems))
        self.problems = tuple(problems)
        self.path = problems[0].path
        self.message = problems[0].message
        self.suggestion = problems[0].suggestion
