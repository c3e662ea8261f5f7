"""What a failed call to a provider is to the client: whose fault it was, and whether to try again."""

from keeptrusts.contract.faults import Code, Fault
from keeptrusts.gateway.targets import Target
from keeptrusts.runtime.http.errors import ConnectFailed, HttpFailure, Phase, TimedOut, TooLarge, Truncated


def upstream_fault(failure: HttpFailure, target: Target) -> Fault:
    """The fault that the client reads. It names the target, and nothing that the provider sent."""
    match failure:
        case TimedOut(phase=Phase.CONNECT) | ConnectFailed():
            return Fault(Code.UPSTREAM_UNREACHABLE, f"Target {target.id} cannot be reached.")
        case TimedOut():
            return Fault(Code.UPSTREAM_TIMEOUT, f"Target {target.id} did not answer in time.")
        case Truncated():
            return Fault(Code.UPSTREAM_TRUNCATED, f"Target {target.id} ended its answer before it was complete.")
        case TooLarge():
            return Fault(Code.RESPONSE_TOO_LARGE, f"The answer of {target.id} is over size_limits.max_response_bytes.")
        case _:
            return Fault(Code.UPSTREAM_ERROR, f"Target {target.id} did not give a usable answer.")


def truncated(target: Target) -> Fault:
    """A stream that ended before its provider said that it was over."""
    return Fault(Code.UPSTREAM_TRUNCATED, f"Target {target.id} ended its stream before the answer was complete.")
