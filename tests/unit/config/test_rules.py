"""What a schema cannot say about a pack."""

import pytest

from unit.config.samples import PACK, found, judge, pack, warned

TARGET = PACK["providers"]["targets"][0]


def targets(*changes):
    return pack(providers={"targets": [TARGET | change for change in changes]})


def at(field):
    return f"providers.targets[0].{field}"


def test_a_kind_stands_in_the_chain_once():
    assert found(pack(policies={"chain": ["sound", "sound"]})) == [("E005", "policies.chain[1]")]


def test_a_kind_that_needs_settings_must_have_them():
    assert found(pack(policies={"chain": ["cap"]})) == [("E003", "policies.chain[0]")]
    assert found(pack(policies={"chain": ["cap"]}, policy={"cap": {}})) == [("E003", "policy.cap.cap")]
    assert found(pack(policies={"chain": ["cap"]}, policy={"cap": {"cap": 1}})) == []


def test_a_kind_that_cannot_be_enforced_yet_is_refused_and_its_settings_are_judged():
    tree = pack(policies={"chain": ["later"]}, policy={"later": {"action": 5}})
    assert found(tree) == [("E008", "policies.chain[0]"), ("E004", "policy.later.action")]


def test_settings_of_a_kind_outside_the_chain_are_a_warning():
    assert warned(pack(policy={"cap": {"cap": 1}})) == [("W001", "policy.cap")]
    assert found(pack(policy={"cap": {"cap": 1}})) == []


@pytest.mark.parametrize("policies", [{"chain": []}, {}])
def test_an_empty_chain_is_a_warning(policies):
    assert warned(pack(policies=policies)) == [("W002", "policies.chain")]


def test_ids_of_targets_differ():
    tree = targets({"model": "a"}, {"model": "b"}, {"model": "c", "id": "other"})
    assert found(tree) == [("E005", "providers.targets[1].id")]


def test_a_target_answers_to_a_name_once():
    tree = targets({"aliases": ["small", "gpt-4o-mini", "small"]})
    assert found(tree) == [("E005", at("aliases[1]")), ("E005", at("aliases[2]"))]


def test_an_unknown_provider_needs_an_address():
    assert found(targets({"provider": "groq"})) == [("E004", at("base_url"))]
    assert found(targets({"provider": "groq", "base_url": "https://api.groq.com/openai/v1"})) == []
    assert judge(targets({"provider": "opnai"})).problems[0].suggestion == "did you mean `openai`?"


@pytest.mark.parametrize(
    "base_url", ["https://host:99999", "https://[:::1]", "https://host/v1/chat/completions", "https://h:0"]
)
def test_an_address_must_be_one_that_can_be_called(base_url):
    assert found(targets({"base_url": base_url})) == [("E004", at("base_url"))]


def test_a_credential_over_plain_http_is_a_warning_unless_it_stays_on_the_machine():
    assert warned(targets({"base_url": "http://10.0.0.1"})) == [("W003", at("base_url"))]
    for address in ("http://localhost:1234", "http://127.0.0.1:1", "http://[::1]:1", "https://10.0.0.1"):
        assert warned(targets({"base_url": address})) == []


def test_a_known_provider_without_a_credential_is_a_warning():
    bare = {key: value for key, value in TARGET.items() if key != "secret_key_ref"}
    assert warned(pack(providers={"targets": [bare]})) == [("W004", at("secret_key_ref"))]
    local = bare | {"provider": "ollama", "base_url": "http://localhost:11434"}
    assert warned(pack(providers={"targets": [local]})) == []


@pytest.mark.parametrize(
    "header",
    [
        "Host",
        "connection",
        "Content-Length",
        "content-type",
        "Transfer-Encoding",
        "TE",
        "upgrade",
        "Proxy-Authorization",
        "expect",
        "Trailer",
    ],
)
def test_a_header_that_frames_the_request_carries_nothing_of_a_pack(header):
    assert found(targets({"api_key_header": header})) == [("E004", at("api_key_header"))]
    assert found(targets({"headers": {header: "x"}})) == [("E004", at(f"headers.{header}"))]


@pytest.mark.parametrize(
    "header", ["Authorization", "X-Api-Key", "api-key", "cookie", "Accept-Encoding", "x-request-id"]
)
def test_extra_headers_carry_no_credential_and_nothing_of_the_gateways(header):
    assert found(targets({"headers": {header: "x"}})) == [("E004", at(f"headers.{header}"))]


def test_the_same_header_is_given_once():
    assert found(targets({"headers": {"X-Team": "a", "x-team": "b"}})) == [("E005", at("headers.x-team"))]
    tree = targets({"api_key_header": "x-key", "headers": {"X-Key": "b"}})
    assert found(tree) == [("E005", at("headers.X-Key"))]


def test_the_gateways_own_variables_and_foreign_folders_are_out_of_reach():
    assert found(targets({"secret_key_ref": {"env": "KEEPTRUSTS_GATEWAY_TOKEN"}})) == [
        ("E004", at("secret_key_ref.env"))
    ]
    assert found(targets({"secret_key_ref": {"file": "a/../../b"}})) == [("E004", at("secret_key_ref.file"))]


def test_an_api_version_is_for_azures_deployment_paths_only():
    azure = {"provider": "azure-openai", "base_url": "https://x.openai.azure.com", "api_version": "2024-10-21"}
    assert found(targets(azure)) == []
    assert found(targets({"api_version": "2024-10-21"})) == [("E004", at("api_version"))]
    assert found(targets(azure | {"base_url": "https://x.openai.azure.com/openai/v1"})) == [("E004", at("api_version"))]


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, [None], [1, "x"], {"targets": [[]]}])
def test_values_of_a_wrong_type_are_no_trouble_for_the_rules(value):
    for section in ("pack", "policies", "policy", "providers"):
        assert judge(pack() | {section: value}).pack is None or section in ("policies", "policy")
    for field in ("id", "provider", "model", "aliases", "base_url", "headers", "secret_key_ref", "api_key_header"):
        judge(targets({field: value}))


COUNTS = {"policies": {"chain": ["counts"]}}


def test_where_money_is_counted_each_target_has_a_price():
    assert found(pack(**COUNTS)) == []
    assert found(pack(**COUNTS, target={"model": "nobodys-model"})) == [("E005", at("model"))]
    assert found(pack(target={"model": "nobodys-model"})) == []


def test_a_target_without_a_price_is_told_how_to_get_one():
    [problem] = judge(pack(**COUNTS, target={"model": "nobodys-model"})).problems
    assert problem.message.startswith("unpriced: no price of `nobodys-model` at `openai` is known")
    assert problem.suggestion == "add `price: {input_per_mtok_usd: ..., output_per_mtok_usd: ...}`"
    assert problem.line == 1


@pytest.mark.parametrize("price", [{"input_per_mtok_usd": 1}, {"per_request_usd": 0}])
def test_a_target_may_bring_its_own_price(price):
    assert found(pack(**COUNTS, target={"model": "nobodys-model", "price": price})) == []


@pytest.mark.parametrize("price", [{}, {"output_per_mtok_usd": 1}, {"cached_input_per_mtok_usd": 1}])
def test_a_price_that_prices_nothing_is_none(price):
    assert found(pack(**COUNTS, target={"price": price})) == [("E005", at("price"))]


def test_a_target_that_passes_any_model_on_is_looked_at_in_each_call():
    assert found(pack(**COUNTS, target={"model": "*"})) == []


def test_azure_without_an_address_is_told_how_one_looks():
    problem = next(
        problem
        for problem in judge(pack(target={"provider": "azure-openai"})).problems
        if problem.path.endswith("base_url")
    )
    assert "https://<resource>.openai.azure.com" in problem.suggestion
