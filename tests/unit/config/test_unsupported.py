"""What cannot be acted on yet is refused and never ignored."""

import pytest

from keeptrusts.config.unsupported import EACH, NOT_YET
from unit.config.samples import found, judge, pack

USES = {
    "providers.targets.*.provider": pack(target={"provider": "azure-openai", "base_url": "https://x.example"}),
    "providers.routing.strategy": pack(providers={"routing": {"strategy": "weighted"}}),
    "providers.fallback": pack(providers={"fallback": {}}),
    "providers.circuit_breaker": pack(providers={"circuit_breaker": {}}),
    "providers.targets.*.weight": pack(target={"weight": 1}),
    "providers.targets.*.data_policy": pack(target={"data_policy": {}}),
    "providers.targets.*.secret_key_ref.store": pack(target={"secret_key_ref": {"store": "OPENAI_API_KEY"}}),
    "global_rate_limit": pack(global_rate_limit={"max_requests": 1}),
    "user_rate_limit": pack(user_rate_limit={"max_requests": 1}),
    "token_rate_limit": pack(token_rate_limit={"max_tokens": 1}),
    "limits.max_in_flight_per_key": pack(limits={"max_in_flight_per_key": 1}),
}


@pytest.mark.parametrize("entry", NOT_YET, ids=lambda entry: ".".join(entry.path))
def test_each_setting_of_the_table_is_refused_with_its_place(entry):
    judged = judge(USES[".".join(entry.path)])
    assert [problem.code for problem in judged.problems] == ["E008"]
    assert judged.problems[0].path == ".".join(entry.path).replace(f".{EACH}", "[0]")
    assert "not supported yet" in judged.problems[0].message
    assert judged.problems[0].suggestion


@pytest.mark.parametrize(
    "tree",
    [
        pack(providers={"routing": {"strategy": "ordered"}}),
        pack(target={"provider": "google"}),
        pack(limits={"max_in_flight": 5}),
        pack(target={"secret_key_ref": {"file": "openai"}}),
    ],
)
def test_what_is_supported_is_accepted(tree):
    assert found(tree) == []


@pytest.mark.parametrize("value", [None, 1, [], {"targets": 1}, {"targets": [1, None]}, {"routing": []}])
def test_odd_values_in_the_way_are_no_trouble(value):
    assert all(code != "E008" for code, _ in found(pack() | {"providers": value, "limits": value}))
