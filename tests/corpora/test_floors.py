"""What the policies reach on our corpora does not fall, and the documentation tells the figures of today."""

import pytest

from corpora.measure import DOCS, POLICIES, read_corpus, score, with_tables
from corpora.personal import measure

FLOORS = {
    "dlp": {"tuning": (0.99, 0.99), "held out": (0.95, 0.95)},
    "prompt_injection": {"tuning": (0.98, 0.98), "held out": (0.98, 0.98)},
}
"""Precision and recall."""
SIZES = {"dlp": (100, 150), "prompt_injection": (150, 200)}


@pytest.mark.parametrize("name", POLICIES)
def test_a_corpus_is_large_enough_and_has_no_text_twice(name):
    items = read_corpus(name)
    attacks, harmless = SIZES[name]
    assert sum(item.is_attack for item in items) >= attacks
    assert sum(not item.is_attack for item in items) >= harmless
    assert len({item.text for item in items}) == len(items)


@pytest.mark.parametrize("part", ["tuning", "held out"])
@pytest.mark.parametrize("name", POLICIES)
def test_precision_and_recall_do_not_fall(name, part):
    made = score(name, held_out=part == "held out")
    precision, recall = FLOORS[name][part]
    assert made.precision >= precision
    assert made.recall >= recall


FOUND = {"email": 0.99, "phone": 0.5, "iban": 0.99, "card": 0.88, "ip_address": 0.99, "us_ssn": 0.99}


def test_as_much_personal_data_is_found_as_ever_and_nothing_else():
    rows, precision, alarms = measure()
    for kind, floor in FOUND.items():
        of_kind = [row for (name, _), row in rows.items() if name == kind]
        assert sum(row.found for row in of_kind) >= floor * sum(row.made for row in of_kind), kind
    assert set(precision) == set(FOUND)
    assert min(precision.values()) >= 0.99
    assert alarms == 0


def test_the_documentation_tells_the_figures_of_today():
    page = DOCS.read_text(encoding="utf-8")
    assert with_tables(page) == page
