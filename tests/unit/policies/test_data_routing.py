"""Settings of `data-routing-policy`."""

import msgspec
import pytest
from msgspec import UNSET

from keeptrusts.policies.data_routing import DataRoutingSpec


def test_defaults_demand_nothing_and_block_where_nobody_complies():
    spec = msgspec.convert({}, DataRoutingSpec)
    assert not spec.require_zero_data_retention
    assert not spec.require_no_training
    assert spec.max_retention_days is UNSET
    assert spec.on_no_compliant_provider == "block"


@pytest.mark.parametrize(
    "written", [{"max_retention_days": -1}, {"on_no_compliant_provider": "allow"}, {"region": "eu"}]
)
def test_what_is_out_of_bounds_is_refused(written):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(written, DataRoutingSpec)
