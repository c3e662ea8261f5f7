import pytest

from keeptrusts.runtime.http.errors import AddressRefused, ConnectFailed, ConnectionLost, HttpFailure, Phase, TimedOut


@pytest.mark.parametrize(
    ("failure", "was_sent"),
    [
        (ConnectFailed(""), False),
        (AddressRefused(""), False),
        (TimedOut(Phase.CONNECT, ""), False),
        (TimedOut(Phase.FIRST_BYTE, ""), True),
        (ConnectionLost(""), True),
        (HttpFailure(""), True),
    ],
)
def test_a_failure_says_whether_the_server_may_have_worked(failure, was_sent):
    assert failure.was_sent is was_sent
