"""Settings of `rbac`."""

import msgspec
import pytest
from msgspec import UNSET

from keeptrusts.policies.rbac import RbacSpec


def test_no_allow_list_and_an_empty_one_are_told_apart():
    spec = msgspec.convert({"roles": {"reader": {"allowed_models": []}, "admin": {}}}, RbacSpec)
    assert spec.roles["reader"].allowed_models == ()
    assert spec.roles["admin"].allowed_models is UNSET
    assert spec.deny_if_missing == ()


@pytest.mark.parametrize(
    "written",
    [{"roles": {"A B": {}}}, {"roles": {"a": {"allowed_models": ["a b"]}}}, {"deny_if_missing": ["a b"]}, {"role": {}}],
)
def test_what_is_out_of_bounds_is_refused(written):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(written, RbacSpec)
