import pytest

from keeptrusts.providers.translation.fate import explain_obstacle, shown
from keeptrusts.providers.translation.members import carried, refused


def test_only_names_of_the_protocol_are_shown():
    assert shown("top_k") == "top_k"
    for name in ("Anna's secret", "", "a" * 41, "x\n", "1"):
        assert shown(name) == "a member that is not known"


MEMBERS = {
    "mild": carried("`mild`; refused above 1, where its range ends", lambda value: value <= 1),
    "loud": refused("no equal"),
    "plain": carried("`plain`"),
}


@pytest.mark.parametrize(
    ("obstacle", "why"),
    [
        ("mild", "refused above 1, where its range ends"),
        ("loud", "no equal"),
        ("loud.inner[2]", "no equal"),
        ("plain[0]", ""),
        ("a member that is not known", ""),
    ],
)
def test_an_obstacle_is_explained_by_the_table(obstacle, why):
    assert explain_obstacle(obstacle, MEMBERS) == why
