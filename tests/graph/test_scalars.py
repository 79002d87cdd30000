"""The scalars: many at once are the same text as each by itself."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from graph.scalars import show_moments

BERLIN = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2026, 11, 22, 8, tzinfo=UTC), "2026-11-22T08:00:00Z"),
        (datetime(2026, 11, 22, 8, 0, 0, 120_000, tzinfo=UTC), "2026-11-22T08:00:00.120000Z"),
        (datetime(2026, 11, 22, 8, 0, 0, 1, tzinfo=UTC), "2026-11-22T08:00:00.000001Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (datetime.max.replace(tzinfo=UTC), "9999-12-31T23:59:59.999999Z"),
        (datetime(2026, 11, 22, 8, tzinfo=BERLIN), "2026-11-22T08:00:00+01:00"),
        (datetime(2026, 11, 22, 8), "2026-11-22T08:00:00"),  # noqa: DTZ001  as it would be shown
    ],
)
def test_a_moment_is_rfc_3339_with_z_for_utc(moment: datetime, shown: str) -> None:
    assert show_moments([moment]) == [shown]
    assert show_moments([moment, datetime(2000, 1, 1, tzinfo=UTC)])[0] == shown
    assert show_moments([datetime(2000, 1, 1, tzinfo=BERLIN), moment])[1] == shown


def test_no_moments_are_no_text() -> None:
    assert show_moments([]) == []
