"""Patterns and globs that a pack brings along: which are accepted, and what is wrong with the others."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

import re2

from keeptrusts.policies.text.extent import width
from keeptrusts.policies.text.problems import SettingProblem
from keeptrusts.policies.text.shapes import OWN, Shape
from keeptrusts.policies.text.syntax import UnsupportedSyntaxError, parse_pattern

MAX_PATTERNS = 100
MAX_PATTERN_BYTES = 1024
MAX_ALL_BYTES = 16 * 1024  # what a second is enough to compile, whatever the patterns are
MAX_MATCH = 512
MAX_MEMORY = 1 << 20
MAX_PROGRAM = 10_000
MAX_GLOBS = 1000
MAX_GLOB_LENGTH = 256


def own_shape(kind: str, pattern: str) -> Shape:
    return Shape(kind, pattern, family=OWN)


def check_patterns(setting: str, patterns: Sequence[str]) -> list[SettingProblem]:
    """Every reason why these patterns cannot be used, under the setting's name."""
    if len(patterns) > MAX_PATTERNS:
        message = f"{len(patterns)} patterns; at most {MAX_PATTERNS} are allowed"
        return [SettingProblem(setting, message, "join patterns of one kind with |")]
    if (size := sum(map(byte_length, patterns))) > MAX_ALL_BYTES:
        message = f"the patterns have {size} bytes together; at most {MAX_ALL_BYTES} are allowed"
        return [SettingProblem(setting, message, "say with classes and counts, such as [0-9]{8}, what lists spell out")]
    problems = [
        SettingProblem(f"{setting}[{index}]", *problem)
        for index, pattern in enumerate(patterns)
        if (problem := pattern_problem(pattern))
    ]
    if not problems and sum(map(program_size, patterns)) > MAX_PROGRAM:
        return [SettingProblem(setting, "the patterns are too large together", "use smaller repetition counts")]
    return problems


def byte_length(pattern: str) -> int:
    return len(pattern.encode("utf-8", "surrogatepass"))


def program_size(pattern: str) -> int:
    """Steps of the compiled pattern: what it costs to compile and, at the worst, to search with."""
    return int(re2.compile(pattern, own_options()).programsize)


@lru_cache(maxsize=4096)
def pattern_problem(pattern: str) -> tuple[str, str] | None:
    """What is wrong with a pattern, and what to do; None where nothing is."""
    if byte_length(pattern) > MAX_PATTERN_BYTES:
        return f"a pattern has at most {MAX_PATTERN_BYTES} bytes", "split it into several patterns"
    try:
        re2.compile(pattern, own_options())
        least, most = width(parse_pattern(pattern))
    except re2.error as error:
        return f"not a pattern of RE2: {reason(error)}", "RE2 has no look-around and no back references"
    except UnsupportedSyntaxError as error:
        return f"cannot be used on streams: {error}", "write it without"
    if least == 0:
        return "matches the empty text, so it would match everywhere", "ask for at least one character"
    if most is None:
        return "has no upper bound (+, * or {n,}), so a stream could never be released", "write {1,64} instead of +"
    if most > MAX_MATCH:
        return f"can match {most} characters; at most {MAX_MATCH} are allowed", "use smaller counts, such as {1,64}"
    return None


def reason(error: Exception) -> str:
    """RE2's words, which it gives as bytes."""
    words = error.args[0] if error.args else ""
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)


@cache
def own_options() -> Any:
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.never_capture = True
    options.log_errors = False
    return options


def check_globs(setting: str, globs: Sequence[str]) -> Iterator[SettingProblem]:
    if len(globs) > MAX_GLOBS:
        yield SettingProblem(
            setting, f"{len(globs)} values; at most {MAX_GLOBS} are allowed", "use globs, such as *@example.com"
        )
        return
    for index, glob in enumerate(globs):
        if not glob.strip("*?"):
            yield SettingProblem(f"{setting}[{index}]", "allows every value", "switch kinds off under entities instead")
        elif len(glob) > MAX_GLOB_LENGTH:
            yield SettingProblem(f"{setting}[{index}]", f"is longer than {MAX_GLOB_LENGTH} characters", "shorten it")


@lru_cache(maxsize=4096)
def compile_globs(globs: tuple[str, ...]) -> Callable[[str], bool] | None:
    """Whether a value is one of these, in any case; `*` stands for any characters, `?` for one. None without globs."""
    if not globs:
        return None
    escaped = (re2.escape(glob).replace(r"\*", ".*").replace(r"\?", ".") for glob in globs)
    pattern = re2.compile(f"(?is:{'|'.join(escaped)})", own_glob_options())

    def is_allowed(value: str) -> bool:
        compact = "".join(char for char in value if char.isalnum())
        return pattern.fullmatch(value) is not None or pattern.fullmatch(compact) is not None

    return is_allowed


@cache
def own_glob_options() -> Any:
    options = re2.Options()
    options.max_mem = 16 * MAX_MEMORY
    options.never_capture = True
    options.log_errors = False
    return options
