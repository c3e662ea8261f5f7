"""Sets of names in which `*` stands for anything, as allow and deny lists give them."""

from collections.abc import Iterable
from fnmatch import translate
from re import compile as compile_pattern


class Globs:
    """Whether a name is meant by one of many patterns. Immutable; upper and lower case differ unless told otherwise."""

    def __init__(self, patterns: Iterable[str], *, ignore_case: bool = False) -> None:
        self._ignore_case = ignore_case
        written = {pattern.lower() for pattern in patterns} if ignore_case else set(patterns)
        self._names = frozenset(pattern for pattern in written if "*" not in pattern)
        globs = sorted(written - self._names)
        self._globs = compile_pattern("|".join(map(translate, globs))) if globs else None

    def __contains__(self, name: str) -> bool:
        if self._ignore_case:
            name = name.lower()
        return name in self._names or (self._globs is not None and self._globs.match(name) is not None)
