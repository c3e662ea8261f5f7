"""Every environment variable that the code reads is explained, and every one that is explained is read."""

import re

from complete.project import ROOT, project_files

VARIABLE = re.compile(r"\bKEEPTRUSTS_[A-Z_]+\b|\bOTEL_[A-Z_]+\b|\bHTTPS_PROXY\b|\bNO_PROXY\b")
PAGE = ROOT / "docs" / "reference" / "environment.md"


def test_the_page_lists_the_variables_that_the_code_reads():
    source = [path for path in project_files() if path.is_relative_to(ROOT / "src") and path.suffix == ".py"]
    read = {name for path in source for name in VARIABLE.findall(path.read_text(encoding="utf-8"))}
    assert set(VARIABLE.findall(PAGE.read_text(encoding="utf-8"))) == read
