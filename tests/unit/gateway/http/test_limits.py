from keeptrusts.gateway.http.limits import Limits


def test_every_limit_is_a_limit():
    limits = Limits()
    assert all(getattr(limits, name) > 0 for name in Limits.__dataclass_fields__)


def test_a_deadline_is_never_finer_than_the_sweep_that_checks_it():
    limits = Limits()
    assert limits.sweep_s <= min(limits.head_s, limits.body_s, limits.idle_s, limits.stuck_s, limits.linger_s)
