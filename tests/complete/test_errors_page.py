"""The reference of the errors of calls says what the code says."""

from complete.project import ROOT
from keeptrusts.cli.explain import list_call_codes


def test_the_page_has_the_table_of_all_codes():
    page = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    table = page[page.index("| code |") :]
    assert table.partition("\n\n")[0].strip() == list_call_codes().strip()
