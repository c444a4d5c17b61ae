"""Times as people write them, through both changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.admin.correct.instants import describe_clock, round_outwards
from healthcheck.definitions.instants import read_instant, write_instant

ZONES = (
    "UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/St_Johns", "America/Sao_Paulo",
    "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "Africa/Casablanca",
)  # fmt: skip
YEAR = 2026


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-07-01 14:05", "2026-07-01T12:05:00"),
        ("2026-07-01T14:05", "2026-07-01T12:05:00"),
        (" 2026-07-01  9:05:07 ", "2026-07-01T07:05:07"),
        ("2026-07-01 14:05:07.25", "2026-07-01T12:05:07.250000"),
        ("2026-07-01 14:05Z", "2026-07-01T14:05:00"),
        ("2026-07-01 14:05 UTC", "2026-07-01T14:05:00"),
        ("2026-07-01 14:05 +05:30", "2026-07-01T08:35:00"),
        ("2026-07-01 14:05-0330", "2026-07-01T17:35:00"),
        ("2026-01-01 00:05", "2025-12-31T23:05:00"),
        # Berlin, 25 October: from 3:00 back to 2:00.
        ("2026-10-25 01:59:59", "2026-10-24T23:59:59"),
        ("2026-10-25 02:30+02:00", "2026-10-25T00:30:00"),
        ("2026-10-25 02:30+01:00", "2026-10-25T01:30:00"),
        ("2026-10-25 03:00", "2026-10-25T02:00:00"),
    ],
)
def test_time_is_read_on_the_wall_or_by_its_offset(written: str, expected: str) -> None:
    with timezone.override("Europe/Berlin"):
        assert read_instant(written) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (
            "2026-10-25 02:30",
            "This time came twice in Europe/Berlin; say which by its offset, +02:00 for the earlier or +01:00.",
        ),
        (
            "2026-03-29 02:30",
            "This time never was in Europe/Berlin: the clocks went forward over it. Give another.",
        ),
        ("2026-02-30 12:00", "There is no such time; correct the date or the clock."),
        ("2026-02-03 25:00", "There is no such time; correct the date or the clock."),
        ("0001-01-01 00:00+14:00", "There is no such time; correct the date or the clock."),
        ("2026-07-01 14:05+99:00", "There is no such time; correct the date or the clock."),
        *(
            (text, "Write the time as 2026-07-01 14:05, with an offset behind it where that is needed.")
            for text in (
                "yesterday",
                "2026-07-01",
                "14:05",
                "01.07.2026 14:05",
                "2026-07-01 14:05 CEST",
                "٢٠٢٦-07-01 14:05",
            )
        ),
    ],
)
def test_time_that_says_nothing_or_two_things_is_refused(written: str, sentence: str) -> None:
    with timezone.override("Europe/Berlin"), pytest.raises(ValidationError) as refusal:
        read_instant(written)
    assert refusal.value.messages == [sentence]


@pytest.mark.parametrize("zone", ZONES)
@given(seconds=st.integers(0, 366 * 86_400))
def test_what_is_filled_in_is_read_as_what_it_was(zone: str, seconds: int) -> None:
    at = datetime(YEAR, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    with timezone.override(zone):
        assert read_instant(write_instant(at)) == at


@pytest.mark.parametrize("zone", ZONES)
def test_changes_of_the_clocks_are_told_to_the_minute(zone: str) -> None:
    """Each minute around each change: what the wall shows once is read, the rest is refused or carries its offset."""
    place, start = ZoneInfo(zone), datetime(YEAR, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=hour) for hour in range(366 * 24)]
    changes = [
        at
        for at in hours
        if at.astimezone(place).utcoffset() != (at + timedelta(hours=1)).astimezone(place).utcoffset()
    ]
    with timezone.override(zone):
        for change in changes:
            minutes = [change + timedelta(minutes=minute) for minute in range(-180, 240)]
            walls = [at.astimezone(place).replace(tzinfo=None) for at in minutes]
            for at, wall in zip(minutes, walls, strict=True):
                written = write_instant(at)
                assert read_instant(written) == at
                assert (len(written) > 19) == (walls.count(wall) > 1 and at < minutes[-60])


def test_whole_seconds_hold_what_they_are_rounded_from() -> None:
    at, part, second = datetime(YEAR, 7, 1, tzinfo=UTC), timedelta(microseconds=1), timedelta(seconds=1)
    assert round_outwards(at, at + second) == (at, at + second)
    assert round_outwards(at + part, at + second + part) == (at, at + 2 * second)


def test_form_names_the_zone_of_whoever_reads_it() -> None:
    for zone in ("Europe/Berlin", "Asia/Tokyo"):
        with timezone.override(zone):
            assert f"in the time zone {zone}, or" in describe_clock()
