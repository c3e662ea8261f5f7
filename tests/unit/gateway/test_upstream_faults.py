"""What a failed call to a provider is to the client."""

import pytest

from fakes.packs import make_snapshot
from keeptrusts.contract.faults import Code
from keeptrusts.gateway.faults import status_of
from keeptrusts.gateway.upstream_faults import truncated, upstream_fault
from keeptrusts.runtime.http import errors

[TARGET] = make_snapshot().targets

CASES = [
    (errors.ConnectFailed("canary"), Code.UPSTREAM_UNREACHABLE, 502),
    (errors.AddressRefused("canary"), Code.UPSTREAM_UNREACHABLE, 502),
    (errors.TimedOut(errors.Phase.CONNECT, "canary"), Code.UPSTREAM_UNREACHABLE, 502),
    (errors.TimedOut(errors.Phase.FIRST_BYTE, "canary"), Code.UPSTREAM_TIMEOUT, 504),
    (errors.TimedOut(errors.Phase.IDLE, "canary"), Code.UPSTREAM_TIMEOUT, 504),
    (errors.TimedOut(errors.Phase.TOTAL, "canary"), Code.UPSTREAM_TIMEOUT, 504),
    (errors.ConnectionLost("canary"), Code.UPSTREAM_ERROR, 502),
    (errors.ProtocolError("canary"), Code.UPSTREAM_ERROR, 502),
    (errors.Truncated("canary"), Code.UPSTREAM_TRUNCATED, 502),
    (errors.TooLarge("canary"), Code.RESPONSE_TOO_LARGE, 502),
    (errors.BadEncoding("canary"), Code.UPSTREAM_ERROR, 502),
]


@pytest.mark.parametrize(("failure", "code", "status"), CASES, ids=lambda value: getattr(value, "phase", type(value)))
def test_a_failure_names_the_target_and_nothing_that_the_provider_sent(failure, code, status):
    fault = upstream_fault(failure, TARGET)
    assert (fault.code, status_of(fault)) == (code, status)
    assert "main" in fault.message
    assert "canary" not in fault.message


def test_every_kind_of_failure_is_told_apart_here():
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.HttpFailure)}
    assert kinds - {type(failure) for failure, _, _ in CASES} == {errors.HttpFailure}


def test_a_stream_without_an_end_is_a_truncation():
    assert truncated(TARGET).code is Code.UPSTREAM_TRUNCATED
    assert "main" in truncated(TARGET).message
