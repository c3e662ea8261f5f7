"""When a failing target is left alone: a circuit breaker as a state machine. Knows no clock and no target.

Closed, it lets every call through and counts failures in a row. From the threshold on it is open: no call goes out for
the cooldown. Then it is half open: a few calls go out as probes; the first that succeeds closes it, one that fails
opens it again.
"""

from dataclasses import dataclass

from keeptrusts.config.targets import CircuitBreaker

PROBE_WAIT_S = 1.0
"""What a caller is told to wait while probes are under way: nobody knows how long they take."""


@dataclass(slots=True)
class Breaker:
    """The state of one target's breaker. Owned by the event loop; times are seconds on the monotonic clock."""

    failures: int = 0  # in a row
    retry_at: float = 0.0  # while open: when the first probe may go out
    probes: int = 0  # under way

    def wait_s(self, rule: CircuitBreaker, now: float) -> float:
        """How long no call may go out; 0 where one may."""
        if self.failures < rule.failure_threshold:
            return 0.0
        if now < self.retry_at:
            return self.retry_at - now
        return 0.0 if self.probes < rule.half_open_requests else PROBE_WAIT_S

    def begin(self, rule: CircuitBreaker) -> bool:
        """A call goes out. Says whether it is a probe, which `end` needs to know."""
        is_probe = self.failures >= rule.failure_threshold
        self.probes += is_probe
        return is_probe

    def end(self, rule: CircuitBreaker, now: float, *, is_probe: bool, succeeded: bool | None) -> None:
        """A call is over. `succeeded` is None where it says nothing about the target, as when the client left."""
        self.probes -= is_probe
        if succeeded is None:
            return
        is_open = self.failures >= rule.failure_threshold
        if is_open and not is_probe:  # it began before the breaker opened: old news
            return
        if succeeded:
            self.failures = 0
            return
        self.failures += 1
        if self.failures >= rule.failure_threshold:
            self.retry_at = now + rule.cooldown_seconds

    def is_open(self, rule: CircuitBreaker) -> bool:
        """Whether the target is left alone but for probes."""
        return self.failures >= rule.failure_threshold
