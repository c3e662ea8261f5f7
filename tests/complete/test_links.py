"""Every link of every page leads somewhere: to a file of the project, and to a heading that is there."""

import re
from pathlib import Path

import pytest

from complete.project import ROOT, markdown_files, name_of

FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)


def anchor_of(heading: str) -> str:
    """The anchor that hosts of git repositories make of a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")


def prose_of(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors_of(page: Path) -> set[str]:
    return {anchor_of(heading) for heading in HEADING.findall(prose_of(page))}


def broken_links(page: Path) -> list[str]:
    broken = []
    for link in LINK.findall(prose_of(page)):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        is_there = target.exists() and target.is_relative_to(ROOT)
        if not is_there or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", markdown_files(), ids=name_of)
def test_every_link_of_a_page_leads_somewhere(page):
    assert broken_links(page) == []


def test_an_anchor_is_the_heading_in_lower_case_with_dashes():
    assert anchor_of("Where do I put *this*?") == "where-do-i-put-this"
    assert anchor_of("`kt up` and [links](x.md)") == "kt-up-and-links"
