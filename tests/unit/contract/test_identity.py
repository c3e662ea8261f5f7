"""For whom a call is made."""

import pytest

from keeptrusts.contract.identity import NOBODY, Identity

SOMEBODY = Identity(user="u-1", role="viewer", headers={"x-team": "red"})


@pytest.mark.parametrize(("header", "value"), [("x-user-id", "u-1"), ("x-user-role", "viewer"), ("x-team", "red")])
def test_what_is_known_is_found_by_its_header(header, value):
    assert SOMEBODY.find(header) == value
    assert NOBODY.find(header) is None
