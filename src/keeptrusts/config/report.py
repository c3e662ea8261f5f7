"""Collects what judging finds, once per place and code, and turns it into problems that may be shown."""

from keeptrusts.config.codes import Code
from keeptrusts.config.excerpts import Excerpts, escape, hide, shorten
from keeptrusts.config.problems import Problem, format_path
from keeptrusts.config.source import Place, Source
from keeptrusts.contract.call import Path

MOST_PROBLEMS = 100


class Report:
    """The findings about one source. Filled by one judge, then read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._excerpts = Excerpts(source.text)
        self._found: dict[tuple[str, Path], Problem] = {}
        for complaint in source.complaints:
            self._add(complaint.code, complaint.path, complaint.place, complaint.message, complaint.suggestion)

    @property
    def is_full(self) -> bool:
        """Enough is known: whoever goes on looking wastes time."""
        return len(self._found) >= MOST_PROBLEMS

    def add(self, code: Code, path: Path, message: str, suggestion: str = "", *, at_key: bool = False) -> None:
        """Note a problem at the value of `path`, or at its key."""
        self._add(code, path, self._source.place_of(path, at_key=at_key), message, suggestion)

    def below(self, path: Path) -> list[Path]:
        """Where something is wrong at `path` or below, warnings aside; the paths begin after `path`."""
        errors = (found for code, found in self._found if not code.startswith("W"))
        return [found[len(path) :] for found in errors if found[: len(path)] == path]

    def problems(self) -> tuple[Problem, ...]:
        return self._sorted(warnings=False)

    def warnings(self) -> tuple[Problem, ...]:
        return self._sorted(warnings=True)

    def _add(self, code: str, path: Path, place: Place, message: str, suggestion: str) -> None:
        if (code, path) in self._found:
            return
        if self.is_full:
            code, path, place = Code.MORE_PROBLEMS, (), Place(1, 1)
            message, suggestion = f"only the first {MOST_PROBLEMS} problems are listed", "repair these and judge again"
        self._found[code, path] = Problem(
            code=str(code),
            path=format_path(tuple(step if isinstance(step, int) else shorten(step) for step in path)),
            line=place.line,
            column=place.column,
            message=escape(hide(message)),
            excerpt=self._excerpts.of(place.line, place.column, self._source.nearest(path)),
            suggestion=escape(hide(suggestion)),
        )

    def _sorted(self, *, warnings: bool) -> tuple[Problem, ...]:
        chosen = [problem for problem in self._found.values() if problem.is_warning is warnings]
        return tuple(sorted(chosen, key=lambda problem: (problem.line, problem.column, problem.code)))
