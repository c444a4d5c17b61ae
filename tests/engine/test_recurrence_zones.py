"""Windows in twelve zones whose clocks change in 2026, and in one whose clocks do not. Instants are written out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from healthcheck.engine.recurrence import Timetable, find_zone, parse_timetable

HOUR = timedelta(hours=1)

# Every day at this time of the wall, three days in a row: the one before, the one on which it is left out, the next.
LEFT_OUT = [
    ("Europe/Berlin", "2026-03-28 02:30", ["03-28 01:30", "03-29 01:30", "03-30 00:30"]),
    ("Europe/Dublin", "2026-03-28 01:30", ["03-28 01:30", "03-29 01:30", "03-30 00:30"]),
    ("America/New_York", "2026-03-07 02:30", ["03-07 07:30", "03-08 07:30", "03-09 06:30"]),
    ("America/St_Johns", "2026-03-07 02:15", ["03-07 05:45", "03-08 05:45", "03-09 04:45"]),
    ("America/Havana", "2026-03-07 00:30", ["03-07 05:30", "03-08 05:30", "03-09 04:30"]),
    ("America/Santiago", "2026-09-05 00:00", ["09-05 04:00", "09-06 04:00", "09-07 03:00"]),
    ("Australia/Sydney", "2026-10-03 02:30", ["10-02 16:30", "10-03 16:30", "10-04 15:30"]),
    ("Australia/Lord_Howe", "2026-10-03 02:15", ["10-02 15:45", "10-03 15:45", "10-04 15:15"]),
    ("Pacific/Chatham", "2026-09-26 03:00", ["09-25 14:15", "09-26 14:15", "09-27 13:15"]),
    ("Africa/Casablanca", "2026-03-21 02:30", ["03-21 02:30", "03-22 02:30", "03-23 01:30"]),
    ("Africa/Cairo", "2026-04-23 00:30", ["04-22 22:30", "04-23 22:30", "04-24 21:30"]),
    ("Asia/Beirut", "2026-03-28 00:00", ["03-27 22:00", "03-28 22:00", "03-29 21:00"]),
    ("Asia/Tokyo", "2026-03-28 02:30", ["03-27 17:30", "03-28 17:30", "03-29 17:30"]),
]
# The same where the time comes twice: the first of them.
TWICE = [
    ("Europe/Berlin", "2026-10-24 02:30", ["10-24 00:30", "10-25 00:30", "10-26 01:30"]),
    ("Europe/Dublin", "2026-10-24 01:30", ["10-24 00:30", "10-25 00:30", "10-26 01:30"]),
    ("America/New_York", "2026-10-31 01:30", ["10-31 05:30", "11-01 05:30", "11-02 06:30"]),
    ("America/St_Johns", "2026-10-31 01:15", ["10-31 03:45", "11-01 03:45", "11-02 04:45"]),
    ("America/Havana", "2026-10-31 00:30", ["10-31 04:30", "11-01 04:30", "11-02 05:30"]),
    ("America/Santiago", "2026-04-03 23:30", ["04-04 02:30", "04-05 02:30", "04-06 03:30"]),
    ("Australia/Sydney", "2026-04-04 02:30", ["04-03 15:30", "04-04 15:30", "04-05 16:30"]),
    ("Australia/Lord_Howe", "2026-04-04 01:45", ["04-03 14:45", "04-04 14:45", "04-05 15:15"]),
    ("Pacific/Chatham", "2026-04-04 03:00", ["04-03 13:15", "04-04 13:15", "04-05 14:15"]),
    ("Africa/Casablanca", "2026-02-14 02:30", ["02-14 01:30", "02-15 01:30", "02-16 02:30"]),
    ("Africa/Cairo", "2026-10-28 23:30", ["10-28 20:30", "10-29 20:30", "10-30 21:30"]),
    ("Asia/Beirut", "2026-10-23 23:30", ["10-23 20:30", "10-24 20:30", "10-25 21:30"]),
    ("Asia/Tokyo", "2026-10-24 02:30", ["10-23 17:30", "10-24 17:30", "10-25 17:30"]),
]
# Four hours from this time of the wall, over a change: the end by UTC, and what the clock on the wall shows then.
OVER_A_CHANGE = [
    ("Europe/Berlin", "2026-03-29 00:00", "2026-03-29 03:00", "05:00"),
    ("Europe/Berlin", "2026-10-25 00:00", "2026-10-25 02:00", "03:00"),
    ("America/New_York", "2026-03-08 00:00", "2026-03-08 09:00", "05:00"),
    ("America/New_York", "2026-11-01 00:00", "2026-11-01 08:00", "03:00"),
    ("America/Havana", "2026-03-07 23:00", "2026-03-08 08:00", "04:00"),
    ("America/Santiago", "2026-04-04 22:00", "2026-04-05 05:00", "01:00"),
    ("Australia/Lord_Howe", "2026-10-04 00:00", "2026-10-03 17:30", "04:30"),
    ("Australia/Lord_Howe", "2026-04-05 00:00", "2026-04-04 17:00", "03:30"),
    ("Pacific/Chatham", "2026-09-27 00:00", "2026-09-26 15:15", "05:00"),
    ("Africa/Casablanca", "2026-02-15 00:00", "2026-02-15 03:00", "03:00"),
    ("Asia/Tokyo", "2026-03-29 00:00", "2026-03-28 19:00", "04:00"),
]


def open_daily(zone: str, wall: str, *, hours: float = 0.5) -> Timetable:
    first_at = datetime.fromisoformat(wall).replace(tzinfo=find_zone(zone)).astimezone(UTC)
    return parse_timetable(first_at, hours * HOUR, recurrence="FREQ=DAILY", timezone=zone)


def list_starts(timetable: Timetable, count: int) -> list[str]:
    found = timetable.iterate(timetable.first_at - HOUR)
    return [each.starts_at.strftime("%m-%d %H:%M") for each in islice(found, count)]


@pytest.mark.parametrize(("zone", "wall", "expected"), LEFT_OUT)
def test_start_in_a_time_that_is_left_out_comes_as_much_later(zone: str, wall: str, expected: list[str]) -> None:
    assert list_starts(open_daily(zone, wall), 3) == expected


@pytest.mark.parametrize(("zone", "wall", "expected"), TWICE)
def test_start_in_a_time_that_comes_twice_is_the_first(zone: str, wall: str, expected: list[str]) -> None:
    assert list_starts(open_daily(zone, wall), 3) == expected


@pytest.mark.parametrize(("zone", "wall", "ends_at", "shown"), OVER_A_CHANGE)
def test_duration_is_exact_over_a_change_of_the_clocks(zone: str, wall: str, ends_at: str, shown: str) -> None:
    timetable = open_daily(zone, wall, hours=4)
    first = next(timetable.iterate(timetable.first_at - HOUR))
    assert first.ends_at == datetime.fromisoformat(ends_at).replace(tzinfo=UTC)
    assert first.ends_at.astimezone(timetable.zone).strftime("%H:%M") == shown


def test_tables_hold_twelve_zones_whose_clocks_change_both_ways() -> None:
    changing = {zone for zone, _wall, _expected in LEFT_OUT} - {"Asia/Tokyo"}
    assert len(changing) == 12
    assert changing == {zone for zone, _wall, _expected in TWICE} - {"Asia/Tokyo"}


def test_windows_of_each_hour_keep_their_order_where_an_hour_is_left_out() -> None:
    first_at = datetime(2026, 3, 29, 0, 15, tzinfo=UTC)
    rule = "FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=15,45"
    timetable = parse_timetable(first_at, timedelta(minutes=10), recurrence=rule, timezone="Europe/Berlin")
    # 02:15 and 02:45 are 03:15 and 03:45 that day, and so the same as those.
    assert list_starts(timetable, 5) == ["03-29 00:15", "03-29 00:45", "03-29 01:15", "03-29 01:45", "03-29 23:15"]


def test_first_start_in_the_second_of_two_hours_is_kept() -> None:
    timetable = parse_timetable(
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC), HOUR, recurrence="FREQ=DAILY", timezone="Europe/Berlin"
    )
    assert list_starts(timetable, 2) == ["10-25 01:30", "10-26 01:30"]


def test_day_of_twenty_three_hours_has_room_for_twenty_four() -> None:
    timetable = open_daily("Europe/Berlin", "2026-03-28 00:00", hours=24)
    inside = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)
    assert [each.starts_at.day for each in timetable.find_open(inside)] == [28, 29]
