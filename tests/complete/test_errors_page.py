"""The references of the errors of calls and of the gateway's pages say what the code says."""

from complete.project import ROOT
from keeptrusts.cli.explain import list_call_codes
from keeptrusts.gateway.routes import ADMIN_PAGES, Page


def test_the_page_has_the_table_of_all_codes():
    page = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    table = page[page.index("| code |") :]
    assert table.partition("\n\n")[0].strip() == list_call_codes().strip()


def test_the_page_of_pages_has_all_of_them():
    text = (ROOT / "docs/reference/pages.md").read_text(encoding="utf-8")
    assert [page for page in Page if f"{page.value}`" not in text] == []
    for page in ADMIN_PAGES:
        assert next(line for line in text.splitlines() if f"{page.value}`" in line).split("|")[2].strip() == "admins"
