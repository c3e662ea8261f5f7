from datetime import UTC, datetime, timedelta, timezone

import pytest

from keeptrusts.cli.moments import parse_moment

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T13:59:00Z", NOW - timedelta(minutes=1)),
        ("2026-11-23T13:59:00", NOW - timedelta(minutes=1)),
        ("2026-11-23T15:59:00+02:00", datetime(2026, 11, 23, 15, 59, tzinfo=timezone(timedelta(hours=2)))),
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
        ("90s", NOW - timedelta(seconds=90)),
        ("30m", NOW - timedelta(minutes=30)),
        ("24h", NOW - timedelta(days=1)),
        ("7d", NOW - timedelta(days=7)),
    ],
)
def test_moments_are_read(text, expected):
    assert parse_moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "7", "d", "-7d", "7 d", "999999d", "1234567d", "٣d", "2026-13-01"])
def test_anything_else_is_refused_with_the_way_out(text):
    with pytest.raises(ValueError, match="expected a time such as"):
        parse_moment(text, NOW)
