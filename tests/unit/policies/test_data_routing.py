"""Which targets comply with what a pack demands of promises about data."""

import msgspec
import pytest
from msgspec import UNSET

from keeptrusts.config.targets import DataPolicy
from keeptrusts.policies.data_routing import DataRouting, DataRoutingSpec

STRICT = {"require_zero_data_retention": True, "require_no_training": True, "max_retention_days": 30}


def objection(demand, **promise):
    policy = DataRouting.compile(msgspec.convert(demand, DataRoutingSpec))
    return policy.objection(DataPolicy(**promise) if promise else UNSET)


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


@pytest.mark.parametrize("demand", [{name: value} for name, value in STRICT.items()], ids=str)
def test_what_is_not_declared_is_not_promised(demand):
    assert "does not declare" in objection(demand)
    assert "does not declare" in objection(demand, training_opt_out=False, zero_data_retention=False)


@pytest.mark.parametrize(
    ("demand", "promise"),
    [
        ({"require_zero_data_retention": True}, {"zero_data_retention": True}),
        ({"require_no_training": True}, {"training_opt_out": True}),
        ({"max_retention_days": 30}, {"retention_days": 30}),
        ({"max_retention_days": 0}, {"zero_data_retention": True}),
        (STRICT, {"zero_data_retention": True, "training_opt_out": True}),
        ({}, {"training_opt_out": False}),
    ],
)
def test_a_target_that_promises_enough_complies(demand, promise):
    assert objection(demand, **promise) is None


def test_data_kept_for_longer_is_objected_to_even_where_something_else_is_said_too():
    assert "31 days" in objection({"max_retention_days": 30}, zero_data_retention=True, retention_days=31)


def test_who_demands_nothing_objects_to_nothing():
    assert objection({}) is None
