"""`audit-logger`: decision events are kept, and none is lost: when the spool is full, traffic stops (fail closed)."""

from typing import Annotated

import msgspec


class AuditLoggerSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `audit-logger`.

    `immutable` and `log_all_access` bind the control plane, which stores the events; a gateway passes them on.
    """

    retention_days: Annotated[int, msgspec.Meta(ge=1, le=36500)] = 365
    immutable: bool = True
    log_all_access: bool = True
