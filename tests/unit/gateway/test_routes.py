"""The route table."""

import pytest

from keeptrusts.contract.call import Route
from keeptrusts.gateway.routes import (
    ADMIN_PAGES,
    MODEL_PAGES,
    MODEL_ROUTES,
    NOT_OFFERED,
    PAGES,
    Page,
    find_deployment,
    is_not_offered,
)


@pytest.mark.parametrize("route", Route)
def test_every_model_route_is_served_under_each_of_its_prefixes(route):
    assert {path for path, found in MODEL_ROUTES.items() if found is route} == {
        f"/v1/{route}", f"/{route}", f"/openai/v1/{route}", f"/openai/{route}",
    }  # fmt: skip


@pytest.mark.parametrize("page", Page)
def test_every_page_is_reached_by_one_method(page):
    methods = {method for (method, _), found in PAGES.items() if found is page}
    assert methods == ({"POST"} if page is Page.RELOAD else {"GET"})


def test_no_path_is_two_things():
    assert not {path for _, path in PAGES} & set(MODEL_ROUTES)
    assert not any(path.startswith(MODEL_PAGES) for path in [*MODEL_ROUTES, *(path for _, path in PAGES)])


def test_what_changes_or_shows_the_configuration_is_an_admin_page():
    assert {page for page in Page if "config" in page or "metrics" in page} - {Page.METRICS} == ADMIN_PAGES


@pytest.mark.parametrize("name", NOT_OFFERED)
@pytest.mark.parametrize("path", ["/v1/{}", "/{}", "/openai/v1/{}", "/v1/{}/abc", "/v1/{}/abc/content"])
def test_a_providers_route_that_is_not_served_is_known_as_such(name, path):
    assert is_not_offered(path.format(name))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/responses/resp_1",
        "/v1/responses/resp_1/cancel",
        "/v1/messages/batches",
        "/v1/chat/completions/c_1/messages",
    ],
)
def test_objects_that_live_at_the_provider_are_known_as_such(path):
    assert is_not_offered(path)
    assert path not in MODEL_ROUTES


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/favicon.ico", "/v1/telemetry", "/api/files", "/v2/files", "/v1/chat/completions/"]
)
def test_anything_else_is_just_not_there(path):
    assert not is_not_offered(path)


@pytest.mark.parametrize(("path", "found"), [
    ("/openai/deployments/gpt-4o-mini/chat/completions", (Route.CHAT, "gpt-4o-mini")),
    ("/openai/deployments/a%2Fb/embeddings", (Route.EMBEDDINGS, "a/b")),
    ("/openai/deployments/m/audio/speech", (Route.SPEECH, "m")),
    ("/openai/deployments/m/v1/chat/completions", (Route.CHAT, "m")),
    ("/openai/deployments/m/files", None),
    ("/openai/deployments/m", None),
    ("/openai/deployments/", None),
    ("/v1/chat/completions", None),
])  # fmt: skip
def test_azures_older_paths_name_route_and_model(path, found):
    assert find_deployment(path) == found
