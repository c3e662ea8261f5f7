"""The providers section, as authored."""

import msgspec
import pytest
from msgspec import UNSET

from keeptrusts.config.targets import Fallback, Providers, ProviderTarget, SecretRef, Timeouts

TARGET = {"id": "main", "provider": "openai", "model": "gpt-4o-mini"}


def test_a_target_needs_an_id_a_provider_and_a_model():
    assert [field.name for field in msgspec.structs.fields(ProviderTarget) if field.required] == [
        "id",
        "provider",
        "model",
    ]


def test_what_is_left_out_has_the_documented_defaults():
    target = msgspec.convert(TARGET, ProviderTarget)
    assert target.timeouts == Timeouts(connect_s=5, first_byte_s=600, idle_s=300, total_s=3600)
    assert (target.format, target.base_url, target.secret_key_ref) == (UNSET, UNSET, UNSET)
    assert msgspec.convert({}, Fallback) == Fallback(
        triggers=("rate_limit", "server_error", "timeout"), max_fallback_attempts=3, across_models=True
    )


@pytest.mark.parametrize("field", [{"weight": -1}, {"max_output_tokens": 0}, {"timeouts": {"idle_s": 0}}, {"nope": 1}])
def test_bounds_and_unknown_fields_are_refused_by_the_type_itself(field):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(TARGET | field, ProviderTarget)


def test_a_section_without_targets_is_refused():
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"targets": []}, Providers)


def test_authored_values_are_frozen():
    with pytest.raises(AttributeError):
        SecretRef(env="A").env = "B"
