"""Text to a pack, or every problem at once, each with its place. The one judge, wherever a pack is judged.

Which kinds of policies there are is a parameter: `policies.catalog` calls this with those that exist.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import msgspec

from keeptrusts.config.codes import Code
from keeptrusts.config.foreign import find_foreign_tool
from keeptrusts.config.kinds import Kinds, PolicyKind
from keeptrusts.config.pack import Pack
from keeptrusts.config.problems import InvalidPack, Problem, format_path, parse_path
from keeptrusts.config.report import Report
from keeptrusts.config.rules import check_rules
from keeptrusts.config.schema import make_schema
from keeptrusts.config.sound_part import SoundPart
from keeptrusts.config.source import read_source
from keeptrusts.config.unsupported import check_supported
from keeptrusts.config.wording import explain_conversion, report_schema_error
from keeptrusts.contract.call import Path

_MAYBE_PLAINTEXT = frozenset({Code.PLAINTEXT_CREDENTIAL, Code.MORE_PROBLEMS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The outcome: a pack and no problems, or problems and no pack. Warnings come with either."""

    pack: Pack | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    def accepted(self, *, require_tls: bool = False) -> Pack:
        """The pack. Raises InvalidPack with every problem.

        With `require_tls` a credential that goes over plain http is one. Where warnings are more than are listed, it
        may be among the rest.
        """
        if self.pack is None:
            raise InvalidPack(self.problems)
        plain = [warning for warning in self.warnings if warning.code in _MAYBE_PLAINTEXT]
        if require_tls and plain:
            raise InvalidPack([_tls_required(warning) for warning in plain])
        return self.pack


class Judge:
    """Judges packs that may use certain kinds. Immutable; the schema is compiled when it is made (a few ms)."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self.schema = make_schema(kinds)
        self._validator = jsonschema_rs.validator_for(self.schema)

    def judge(self, text: bytes | str) -> Judged:
        """Never raises, whatever the text is."""
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        source = read_source(data)
        report = Report(source)
        pack = None
        if source.is_whole and _is_pack(source.value, report):
            tree = _with_raw_version(source.value, source.raw)
            pack = self._judge_tree(tree, report)
        problems = report.problems()
        return Judged(pack=None if problems else pack, problems=problems, warnings=report.warnings())

    def _judge_tree(self, tree: dict[str, Any], report: Report) -> Pack | None:
        for error in self._validator.iter_errors(tree):
            if report.is_full:
                break
            report_schema_error(error, self.schema, report)
        check_rules(tree, self._kinds, report)
        check_supported(tree, report)
        self._compile(tree, report)
        return None if report.problems() else _convert(tree, report)

    def _compile(self, tree: dict[str, Any], report: Report) -> None:
        """Compile what is sound of each policy's settings, to hear now what would fail later."""
        given = tree.get("policy")
        settings: dict[str, Any] = given if isinstance(given, dict) else {}
        for name, kind in self._kinds.items():
            if name in settings:
                self._compile_one(kind, settings[name], report)

    def _compile_one(self, kind: PolicyKind, settings: Any, report: Report) -> None:
        root: Path = ("policy", kind.name)
        part = SoundPart(settings, report.below(root), self.schema["$defs"][kind.spec.__name__])
        try:
            compile_policy(kind, part.settings)
        except BadSettings as bad:
            for problem in bad.problems:
                path = part.original(problem.path[len(root) :])
                if not part.is_follow_up(path, problem.rests_on):
                    report.add(Code.WRONG_VALUE, (*root, *path), problem.message, problem.suggestion)


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """One thing that is wrong with a policy's settings. `path` begins at the pack's root.

    `rests_on` names another setting without which it would be no problem, or another one.
    """

    path: Path
    message: str
    suggestion: str = ""
    rests_on: str = ""


class BadSettings(ValueError):
    """Settings that a policy cannot run with. `problems` has at least one."""

    def __init__(self, problems: Sequence[SettingsProblem]) -> None:
        super().__init__("\n".join(f"{format_path(problem.path)}: {problem.message}" for problem in problems))
        self.problems = tuple(problems)


def _tls_required(warning: Problem) -> Problem:
    way_out = f"{warning.suggestion}: KEEPTRUSTS_REQUIRE_TLS is set where the gateway runs"
    return msgspec.structs.replace(warning, code="tls_required", suggestion=way_out)


def compile_policy(kind: PolicyKind, settings: object) -> object:
    """The running policy of a kind, or its settings where this version cannot run it. Raises BadSettings."""
    root: Path = ("policy", kind.name)
    try:
        spec = msgspec.convert(settings, kind.spec)
        return spec if kind.compile is None else kind.compile(spec)
    except msgspec.ValidationError as error:
        message, inner = _split_error(error)
        raise BadSettings([SettingsProblem((*root, *inner), message)]) from error
    except ValueError as error:
        raise BadSettings([_from_policy(root, one) for one in getattr(error, "problems", (error,))]) from error


def _from_policy(root: Path, problem: object) -> SettingsProblem:
    """A policy names the place within its settings, a message and a way out, as far as it can."""
    return SettingsProblem(
        (*root, *parse_path(str(getattr(problem, "path", "")))),
        str(getattr(problem, "message", problem)),
        str(getattr(problem, "suggestion", "")),
        str(getattr(problem, "rests_on", "")),
    )


def _is_pack(value: Any, report: Report) -> bool:
    if not isinstance(value, dict):
        remedy = "`kt init` writes a pack to begin with"
        report.add(Code.WRONG_VALUE, (), "a pack is a mapping with the keys pack, policies, policy, providers", remedy)
        return False
    foreign = find_foreign_tool(value)
    if foreign is None:
        return True
    tool, key = foreign
    message = f"this is a file of {tool}, not a policy pack"
    report.add(Code.FOREIGN, (key,), message, "`kt init` writes a pack to begin with", at_key=True)
    return False


def _with_raw_version(tree: dict[str, Any], raw: Mapping[Path, str]) -> dict[str, Any]:
    """`version: 0.10` means what is written and not the number 0.1."""
    label = tree.get("pack")
    version = raw.get(("pack", "version"))
    if version is None or not isinstance(label, dict):
        return tree
    return {**tree, "pack": {**label, "version": version}}


def _convert(tree: dict[str, Any], report: Report) -> Pack | None:
    try:
        return msgspec.convert(tree, Pack)
    except msgspec.ValidationError as error:
        message, path = _split_error(error)
        report.add(Code.WRONG_VALUE, path, message)
        return None


def _split_error(error: msgspec.ValidationError) -> tuple[str, Path]:
    """What msgspec says, "Expected `int`, got `float` - at `$.a.b[0]`" as words and a path."""
    words, _, where = str(error).partition(" - at `")
    return explain_conversion(words), parse_path(where.rstrip("`").removeprefix("$"))
