from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from healthcheck.engine.types import ConfigurationError
from healthcheck.engine.week_hours import MAX_SPANS, parse_week_hours

WORK = "Mon-Fri 08:00-18:00, Sat 10:00-14:00"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "found"),
    [
        # A Wednesday: within, before, at the very end, and after.
        ("2026-07-01 12:00:30", "2026-07-01 12:00:30"),
        ("2026-07-01 05:59:59", "2026-07-01 08:00"),
        ("2026-07-01 08:00", "2026-07-01 08:00"),
        ("2026-07-01 18:00", "2026-07-02 08:00"),
        # Friday's evening, Saturday's end.
        ("2026-07-03 19:00", "2026-07-04 10:00"),
        ("2026-07-04 14:00", "2026-07-06 08:00"),
    ],
)
def test_next_instant_of_a_working_week(instant: str, found: str) -> None:
    hours = parse_week_hours(WORK, "UTC")
    assert hours.find_next(at(instant)) == at(found)
    assert hours.holds(at(instant)) == (instant == found)


def test_no_hours_are_always() -> None:
    assert parse_week_hours("", "Europe/Berlin").find_next(at("2026-07-01 03:00")) == at("2026-07-01 03:00")


def test_night_lasts_until_the_morning_after_also_from_sunday() -> None:
    hours = parse_week_hours("22:00-06:00", "UTC")
    assert hours.holds(at("2026-07-06 05:59"))
    assert not hours.holds(at("2026-07-06 06:00"))
    assert hours.find_next(at("2026-07-06 06:00")) == at("2026-07-06 22:00")


def test_days_may_go_over_the_end_of_the_week() -> None:
    hours = parse_week_hours("Sat-Mon 00:00-24:00", "UTC")
    held = [hours.holds(at("2026-07-01 12:00") + timedelta(days=day)) for day in range(7)]
    assert held == [False, False, False, True, True, True, False]


@pytest.mark.parametrize(
    ("hours", "instant", "found"),
    [
        # 29 March 2026: 02:00 to 03:00 does not come. What begins in it begins at 03:00, which is 01:00 in UTC.
        ("Sun 02:30-05:00", "2026-03-29 00:30", "2026-03-29 01:00"),
        # What lies in it altogether comes a week later.
        ("Sun 02:00-02:30", "2026-03-29 00:30", "2026-04-05 00:00"),
        ("08:00-18:00", "2026-03-28 17:00", "2026-03-29 06:00"),
        # 25 October 2026: 02:00 to 03:00 comes twice, from midnight and from 01:00 in UTC, and is in them twice.
        ("Sun 02:00-02:30", "2026-10-25 00:10", "2026-10-25 00:10"),
        ("Sun 02:00-02:30", "2026-10-25 00:40", "2026-10-25 01:00"),
        ("Sun 01:00-02:30", "2026-10-25 00:40", "2026-10-25 01:00"),
        ("Sun 02:30-03:00", "2026-10-25 01:10", "2026-10-25 01:30"),
        ("08:00-18:00", "2026-10-24 17:00", "2026-10-25 07:00"),
    ],
)
def test_hours_follow_the_clock_on_the_wall(hours: str, instant: str, found: str) -> None:
    assert parse_week_hours(hours, "Europe/Berlin").find_next(at(instant)) == at(found)


@pytest.mark.parametrize("minutes", range(0, 8 * 24 * 60, 997))
def test_next_instant_is_the_first_that_holds(minutes: int) -> None:
    hours = parse_week_hours("Sat 23:00-02:15, Sun 02:45-03:30, Wed 00:00-00:10", "Europe/Berlin")
    start = at("2026-10-23 00:00") + timedelta(minutes=minutes)
    walk = (start + timedelta(minutes=each) for each in range(14 * 24 * 60))
    assert hours.find_next(start) == next(each for each in walk if hours.holds(each))


@pytest.mark.parametrize(
    ("text", "timezone", "field"),
    [
        ("Mon 8:00-18:00", "UTC", "hours"),
        ("Mon-Fry 08:00-18:00", "UTC", "hours"),
        ("Mon 08:00-24:01", "UTC", "hours"),
        ("Mon 24:00-24:00", "UTC", "hours"),
        ("Mon 08:60-09:00", "UTC", "hours"),
        ("Mon 08:00-08:00", "UTC", "hours"),
        (", ".join(["Mon 08:00-09:00"] * (MAX_SPANS + 1)), "UTC", "hours"),
        ("", "Europe/Nowhere", "timezone"),
    ],
)
def test_what_is_no_hours_is_refused(text: str, timezone: str, field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_week_hours(text, timezone)
    assert caught.value.field == field
