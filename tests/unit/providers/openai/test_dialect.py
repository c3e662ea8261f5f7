"""The list of routes."""

from keeptrusts.contract.call import Route
from keeptrusts.providers.openai.dialect import OPENAI, SHAPES


def test_every_route_but_anthropics_is_in_the_list():
    assert set(SHAPES) == set(Route) - {Route.MESSAGES, Route.COUNT_TOKENS}
    assert OPENAI.name == "openai"


def test_uploads_are_forms_and_nothing_else_is():
    forms = {route for route, shape in SHAPES.items() if shape.takes_form}
    assert forms == {
        Route.TRANSCRIPTIONS, Route.TRANSLATIONS, Route.IMAGE_EDITS, Route.IMAGE_VARIATIONS, Route.IMAGE_GENERATIONS,
    }  # fmt: skip
