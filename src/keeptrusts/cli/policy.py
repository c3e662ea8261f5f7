"""`kt policy`: judge packs, test them, and explain the language they are written in."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from keeptrusts.config.load import Judged

app = typer.Typer(help="Judge packs, test them, explain their language.", no_args_is_help=True)

DEFAULT_PACK = Path("policy-config.yaml")


@app.command()
def lint(
    files: Annotated[list[Path], typer.Argument(help="Packs to judge.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as JSON.")] = False,
) -> None:
    """Judge packs: every problem with line, column and what to do. Exit 2 if a pack is refused; warnings are fine."""
    import json

    import msgspec

    judged = [(file, _judge(file)) for file in files]
    if as_json:
        reports = [
            {
                "file": str(file),
                "valid": one.pack is not None,
                "problems": msgspec.to_builtins(one.problems),
                "warnings": msgspec.to_builtins(one.warnings),
            }
            for file, one in judged
        ]
        print(json.dumps({"files": reports}, indent=2))
    else:
        for file, one in judged:
            _tell(file, one)
    raise typer.Exit(0 if all(one.pack is not None for _, one in judged) else 2)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the language, for editors and other programs."""
    import json

    from keeptrusts.policies.catalog import pack_schema

    print(json.dumps(pack_schema(), indent=2, ensure_ascii=False))


@app.command()
def kinds() -> None:
    """List the policies: when they run, and what they do."""
    from keeptrusts.policies.catalog import CATALOG

    width = max(map(len, CATALOG))
    for name, kind in CATALOG.items():
        note = "" if kind.compile else " (not supported yet)"
        print(f"{name:{width}}  {', '.join(kind.phases):13}  {kind.summary}{note}")


@app.command()
def explain(
    word: Annotated[str, typer.Argument(help="A kind, such as pii-detector, or a code: E004, budget_exceeded.")],
) -> None:
    """Explain a policy with its settings, the code of a pack's problem, or that of a call's error."""
    from keeptrusts.cli.explain import explain_call_code, explain_code, explain_kind
    from keeptrusts.config.codes import MEANINGS
    from keeptrusts.config.excerpts import shorten
    from keeptrusts.config.wording import suggest_name
    from keeptrusts.contract.faults import Code as CallCode
    from keeptrusts.policies.catalog import CATALOG

    code = next((code for code in MEANINGS if code == word.upper()), None)
    if code is not None:
        print(explain_code(code))
    elif word.lower() in list(CallCode):
        print(explain_call_code(CallCode(word.lower())))
    elif word in CATALOG:
        print(explain_kind(word))
    else:
        near = suggest_name(word, [*CATALOG, *MEANINGS, *CallCode])
        known = near or f"kinds: {', '.join(CATALOG)}; codes: {', '.join(MEANINGS)}, and those of calls' errors"
        _fail(f"{shorten(word)} is neither a kind of policy nor a code; {known}", 2)


@app.command("test")
def run_tests(
    pack: Annotated[Path, typer.Argument(help="The pack; its cases are in tests/*.json beside it.")] = DEFAULT_PACK,
) -> None:
    """Send the test cases beside a pack through its input policies. Exit 1 if one turns out otherwise than expected."""
    from keeptrusts.cli.pack_tests import BadCase, list_cases, make_chain, run_case, tell_result

    judged = _judge(pack)
    if judged.pack is None:
        _tell(pack, judged)
        raise typer.Exit(2)
    try:
        cases = list_cases(pack.parent / "tests")
        chain = make_chain(judged.pack)
        results = [(case, run_case(case, chain)) for case in cases]
    except BadCase as bad:
        _fail(str(bad), 2)
    for case, outcome in results:
        print(tell_result(case, outcome))
    failed = sum(not case.expected.is_met_by(outcome) for case, outcome in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    raise typer.Exit(1 if failed else 0)


def _judge(file: Path) -> "Judged":
    from keeptrusts.config.source import MAX_BYTES
    from keeptrusts.policies.catalog import judge_pack

    try:
        with file.open("rb") as opened:
            return judge_pack(opened.read(MAX_BYTES + 1))
    except OSError as error:
        _fail(f"cannot read {_plain(file)}: {error.strerror}", 2)


def _tell(file: Path, judged: "Judged") -> None:
    from keeptrusts.config.problems import format_problem

    for problem in (*judged.problems, *judged.warnings):
        print(format_problem(problem, _plain(file)))
    warnings = f", warnings: {len(judged.warnings)}" if judged.warnings else ""
    if judged.pack is None:
        print(f"{_plain(file)}: refused, problems: {len(judged.problems)}{warnings}")
    else:
        label = judged.pack.pack
        print(f"{_plain(file)}: {label.name} {label.version} is valid{warnings}")


def _plain(file: Path) -> str:
    from keeptrusts.config.excerpts import escape

    return escape(str(file))


def _fail(message: str, code: int) -> NoReturn:
    print(f"kt: {message}", file=sys.stderr)
    raise typer.Exit(code)
