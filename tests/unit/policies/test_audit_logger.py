"""Settings of `audit-logger`."""

import msgspec
import pytest

from keeptrusts.policies.audit_logger import AuditLoggerSpec


def test_events_are_kept_a_year_and_cannot_be_deleted_unless_said_otherwise():
    assert msgspec.convert({}, AuditLoggerSpec) == AuditLoggerSpec(
        retention_days=365, immutable=True, log_all_access=True
    )


@pytest.mark.parametrize(
    "written", [{"retention_days": 0}, {"retention_days": 36501}, {"immutable": "yes"}, {"on_full": 1}]
)
def test_what_is_out_of_bounds_is_refused(written):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(written, AuditLoggerSpec)
