"""What README shows works as it stands: its pack is judged, its call is the one that `kt up` prints."""

import re

from complete.project import ROOT, markdown_files, name_of
from keeptrusts.cli.demo import curl
from keeptrusts.policies.catalog import load_pack

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_pack_is_valid():
    packs = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert [load_pack(pack.encode()).pack.name for pack in packs] == ["team-alpha-prod"]


def test_the_first_call_is_the_one_that_kt_up_prints():
    call = curl("http://127.0.0.1:41002", "Please repeat: my e-mail is ada@example.com", anthropic=False)
    assert call in README


def test_the_python_examples_are_python():
    for example in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        compile(example, "README.md", "exec")


LINK = re.compile(r"\]\(([^)#]+)\)")


def test_it_says_where_to_read_next_for_every_page():
    index = README.partition("## Where to read next")[2]
    pages = {name_of(page) for page in markdown_files()}
    others = {page for page in pages if page.startswith(("docs/decisions/", "changelog.d/", "README.md"))}
    assert sorted(pages - others - set(LINK.findall(index))) == []


def test_every_decision_is_listed():
    folder = ROOT / "docs" / "decisions"
    listed = LINK.findall((folder / "README.md").read_text(encoding="utf-8"))
    assert sorted({page.name for page in folder.glob("*.md")} - set(listed)) == ["README.md"]
