"""What a caller is told when the budget does not let a call through: how it stands, and when it can."""

from datetime import UTC, datetime

from keeptrusts.contract.faults import Code, Fault

POLICY = "spend-limit"
RETRY_AFTER_S = 1


def budget_exceeded(*, cap: int, spent: int, held: int, worst: int, resets_ns: int) -> Fault:
    """What is spent leaves no room for the call. Micros and nanoseconds since 1970."""
    state = f"{usd(spent)} of {usd(cap)} are spent today, {usd(held)} are held by calls under way"
    message = f"The budget leaves no room: {state}, and this call may cost up to {usd(worst)}."
    if worst > cap:
        message += " That is more than a whole day's budget: ask for fewer output tokens (max_tokens)."
    return Fault(Code.BUDGET_EXCEEDED, f"{message} It resets at {when(resets_ns)}.", policy=POLICY)


def budget_busy(*, cap: int, spent: int, held: int, worst: int, resets_ns: int) -> Fault:
    """There is room for the call once others have ended, and it has waited for that already."""
    state = f"{usd(spent)} of {usd(cap)} are spent today, {usd(held)} are held by calls under way"
    message = f"The budget is held by other calls: {state}, and this call may cost up to {usd(worst)}. Try again soon."
    return Fault(
        Code.BUDGET_BUSY, f"{message} It resets at {when(resets_ns)}.", policy=POLICY, retry_after_s=RETRY_AFTER_S
    )


def ledger_unavailable() -> Fault:
    message = "The budget's ledger cannot be asked now, so nothing may be spent. Try again later, or tell the operator."
    return Fault(Code.LEDGER_UNAVAILABLE, message, policy=POLICY)


def usd(micros: int) -> str:
    """Micro-dollars as people write dollars: two decimals at least, and no digit lost."""
    sign, whole, rest = "-" if micros < 0 else "", *divmod(abs(micros), 1_000_000)
    return f"{sign}${whole}.{f'{rest:06d}'.rstrip('0').ljust(2, '0')}"


def when(unix_ns: int) -> str:
    return f"{datetime.fromtimestamp(unix_ns // 1_000_000_000, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"
