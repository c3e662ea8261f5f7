"""Every `kt` command says what it does, is told of in the reference, and costs nothing before it is called."""

import json
import subprocess
import sys

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from complete.project import ROOT
from keeptrusts.cli.main import app
from keeptrusts.cli.reference import list_commands, render_reference

HEAVY = [
    "asyncio",
    "google.re2",
    "httptools",
    "jsonschema_rs",
    "litestar",
    "msgspec",
    "phonenumbers",
    "re2",
    "rich.table",
    "sqlalchemy",
    "ssl",
    "uvloop",
    "yaml",
]


ALL = dict(list_commands(get_command(app), ("kt",)))
LEAVES = sorted(path for path, command in ALL.items() if not isinstance(command, TyperGroup))


@pytest.mark.parametrize("path", sorted(ALL))
def test_a_command_says_what_it_does(path):
    assert ALL[path].get_short_help_str(limit=200)


@pytest.mark.parametrize("path", LEAVES)
def test_every_option_of_a_command_says_what_it_does(path):
    options = [option for option in ALL[path].params if option.param_type_name == "option"]
    assert [option.name for option in options if not option.help] == []


def test_the_reference_is_what_make_docs_writes():
    page = ROOT / "docs" / "reference" / "commands.md"
    assert page.read_text(encoding="utf-8") == render_reference(app), "run `make docs`"


def test_help_loads_none_of_the_heavy_libraries():
    program = (
        "import json, sys\n"
        "from keeptrusts.cli.main import main\n"
        "sys.argv = ['kt', '--help']\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT)
    assert "Usage: kt" in ran.stdout
    assert set(json.loads(ran.stderr)) & set(HEAVY) == set()


def test_the_package_runs_as_a_module():
    ran = subprocess.run([sys.executable, "-m", "keeptrusts", "--help"], check=True, capture_output=True, text=True)
    assert "Usage: " in ran.stdout
