"""The reference of the language is complete, and every example in it does what the page says.

An example without `pack:` is a fragment: the sections that it lacks are appended, so that its line numbers stay.
A `text` block after an example is what judging it prints; without one the example must be accepted without a word.
"""

import json
import re

import msgspec
import pytest

from complete.project import ROOT
from keeptrusts.cli.explain import list_settings
from keeptrusts.cli.pack_tests import Case, make_chain, run_case
from keeptrusts.config.codes import MEANINGS, Code
from keeptrusts.config.problems import format_problem
from keeptrusts.config.unsupported import NOT_YET
from keeptrusts.policies.catalog import CATALOG, judge_pack, pack_schema

PAGE = (ROOT / "docs" / "packs.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [
    (text, BLOCKS[index + 1][1].strip() if BLOCKS[index + 1 : index + 2] and BLOCKS[index + 1][0] == "text" else "")
    for index, (language, text) in enumerate(BLOCKS)
    if language == "yaml"
]
SECTIONS = {
    "pack": {"name": "team-a", "version": "1.0"},
    "policies": {"chain": ["pii-detector", "audit-logger"]},
    "providers": {
        "targets": [{"id": "a", "provider": "openai", "model": "gpt-4o-mini", "secret_key_ref": {"env": "A_KEY"}}]
    },
}


def complete(example):
    if "model_list" in example:
        return example
    missing = {name: value for name, value in SECTIONS.items() if not re.search(rf"^{name}:", example, re.MULTILINE)}
    return example + "".join(f"{name}: {json.dumps(value)}\n" for name, value in missing.items())


@pytest.mark.parametrize(("example", "output"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_does_what_the_page_says(example, output):
    judged = judge_pack(complete(example))
    assert "\n".join(format_problem(problem) for problem in (*judged.problems, *judged.warnings)) == output


def test_there_are_examples():
    assert len(EXAMPLES) >= 15
    assert sum(not output for _, output in EXAMPLES) >= 4


def test_the_example_of_cases_passes():
    (cases,) = (text for language, text in BLOCKS if language == "json")
    chain = make_chain(judge_pack(EXAMPLES[0][0]).accepted())
    for case in msgspec.json.decode(cases, type=list[Case]):
        assert case.expected.is_met_by(run_case(case, chain)), case.name


def test_every_code_has_a_section_with_its_title():
    assert re.findall(r"^### ([EW]\d+): (.+)$", PAGE, re.MULTILINE) == [
        (code.value, MEANINGS[code].title) for code in Code
    ]


def words(text):
    return set(re.findall(r"[\w-]+", text))


def test_every_key_of_the_language_is_on_the_page():
    names = {name for one in pack_schema()["$defs"].values() for name in one.get("properties", {})}
    assert names - words(PAGE) == set()


@pytest.mark.parametrize("kind", CATALOG)
def test_every_setting_of_a_kind_is_in_its_section_with_its_default(kind):
    section = PAGE.split(f"### `{kind}`\n")[1].split("\n### ")[0].split("\n## ")[0]
    for setting in list_settings(kind):
        row = next((line for line in section.splitlines() if f"`{setting.path}`" in line), None)
        assert row is not None, setting.path
        if setting.default.removeprefix("default ") in {"true", "false", "required"}:
            assert row.split("|")[2].strip().strip("`") == setting.default.removeprefix("default ")
    assert ("Not supported yet (E008)" in section) is (CATALOG[kind].compile is None)


POLICIES = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [kind for kind in CATALOG if f"## `{kind}`\n" in POLICIES])
def test_the_page_of_policies_has_the_same_settings_and_defaults(kind):
    section = POLICIES.split(f"## `{kind}`\n")[1].split("\n## ")[0]
    rows = {row[1].strip(): row[2].strip() for line in section.splitlines() if len(row := line.split("|")) > 3}
    for setting in list_settings(kind):
        top = setting.path.partition(".")[0]
        assert any(path.startswith((f"`{setting.path}`", f"`{top}`")) for path in rows), setting.path
        default = setting.default.removeprefix("default ")
        if default in {"true", "false", "required"} and f"`{setting.path}`" in rows:
            assert rows[f"`{setting.path}`"].strip("`") == default


@pytest.mark.parametrize("entry", NOT_YET, ids=lambda entry: ".".join(entry.path))
def test_what_is_not_supported_yet_is_said_where_it_is_described(entry):
    name = entry.path[-1]
    rows = [line for line in PAGE.splitlines() if line.startswith("|") and f"`{name}" in line]
    rows += [line for line in PAGE.splitlines() if line.startswith("|") and f".{name}`" in line]
    assert any("not supported yet" in row.lower() for row in rows)
