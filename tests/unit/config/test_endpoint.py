"""A target's address follows from its provider where the pack leaves it out."""

import pytest

from keeptrusts.config.endpoint import BASE_URLS, Endpoint, resolve_endpoint, versioned
from keeptrusts.config.targets import ProviderTarget


def endpoint(provider, **fields):
    return resolve_endpoint(ProviderTarget(id="t", provider=provider, model="m", **fields))


def test_known_providers_need_no_address():
    assert endpoint("openai") == Endpoint(
        format="openai", url="https://api.openai.com/v1", api_key_header="Authorization", api_key_prefix="Bearer "
    )
    assert endpoint("anthropic") == Endpoint(
        format="anthropic", url="https://api.anthropic.com/v1", api_key_header="x-api-key", api_key_prefix=""
    )
    assert endpoint("google").url == "https://generativelanguage.googleapis.com/v1beta/openai"


def test_other_providers_speak_the_format_of_openai_at_their_own_address():
    found = endpoint("groq", base_url="https://api.groq.com/openai/v1")
    assert (found.format, found.url) == ("openai", "https://api.groq.com/openai/v1")


def test_a_provider_without_a_known_address_must_be_judged_first():
    with pytest.raises(KeyError):
        endpoint("groq")


def test_the_format_decides_the_credentials_header():
    assert endpoint("openai", format="anthropic").api_key_header == "x-api-key"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"api_key_header": "api-key"}, ("api-key", "")),
        ({"api_key_header": "authorization"}, ("authorization", "Bearer ")),
        ({"api_key_prefix": "Token "}, ("Authorization", "Token ")),
        ({"api_key_header": "x-key", "api_key_prefix": "v1 "}, ("x-key", "v1 ")),
        ({"api_key_prefix": ""}, ("Authorization", "")),
    ],
)
def test_the_prefix_belongs_to_its_header(fields, expected):
    found = endpoint("openai", **fields)
    assert (found.api_key_header, found.api_key_prefix) == expected


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://api.openai.com/", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("https://host/v1beta/openai", "https://host/v1beta/openai"),
        ("https://host/proxy", "https://host/proxy/v1"),
        ("https://v1.host", "https://v1.host/v1"),
        ("https://host/vendor", "https://host/vendor/v1"),
        ("http://127.0.0.1:9999", "http://127.0.0.1:9999/v1"),
    ],
)
def test_the_version_is_added_where_the_address_has_none(base_url, url):
    assert versioned(base_url) == url


def test_every_known_address_is_complete():
    assert all(versioned(url).startswith("https://") for url in BASE_URLS.values())


@pytest.mark.parametrize("base_url", ["https://x.openai.azure.com", "https://x.openai.azure.com/openai/"])
def test_azure_is_called_by_its_deployment_paths(base_url):
    found = endpoint("azure-openai", base_url=base_url)
    assert (found.url, found.api_version) == ("https://x.openai.azure.com/openai", "2024-10-21")
    assert (found.api_key_header, found.api_key_prefix) == ("api-key", "")
    assert (
        endpoint("azure-openai", base_url=base_url, api_version="2025-01-01-preview").api_version
        == "2025-01-01-preview"
    )


def test_azures_newer_api_is_called_like_any_other():
    found = endpoint("azure-openai", base_url="https://x.openai.azure.com/openai/v1/")
    assert (found.url, found.api_version) == ("https://x.openai.azure.com/openai/v1", None)
    assert (found.api_key_header, found.api_key_prefix) == ("api-key", "")
