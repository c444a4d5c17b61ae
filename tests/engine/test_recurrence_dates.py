"""Dates beside a rule: EXDATE skips a start, RDATE adds one; by which clock, over both changes, and what is refused."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.recurrence import Timetable, find_zone, parse_timetable
from healthcheck.engine.recurrence_text import MAX_DATES, MAX_RECURRENCE_LENGTH, parse_recurrence
from healthcheck.engine.types import ConfigurationError

BERLIN = "Europe/Berlin"
DAILY = "RRULE:FREQ=DAILY"
PATIENCE_SECONDS = 5.0

# A daily window in Berlin, from this time of the wall on: the starts by UTC that are left of the first days.
SKIPPED = [
    # By the window's clock, by UTC, by a zone of its own, and a whole day.
    ("2026-07-01 22:30", "EXDATE:20260702T223000", ["07-01 20:30", "07-03 20:30"]),
    ("2026-07-01 22:30", "EXDATE:20260702T203000Z", ["07-01 20:30", "07-03 20:30"]),
    ("2026-07-01 22:30", "EXDATE;TZID=America/New_York:20260702T163000", ["07-01 20:30", "07-03 20:30"]),
    ("2026-07-01 22:30", "EXDATE:20260702", ["07-01 20:30", "07-03 20:30"]),
    ("2026-07-01 22:30", "exdate;value=date:20260701,20260703", ["07-02 20:30", "07-04 20:30"]),
    # Of no start: nothing is skipped.
    ("2026-07-01 22:30", "EXDATE:20260702T223001", ["07-01 20:30", "07-02 20:30"]),
    # The hour that is left out in spring: by the clock that is not there, and by the one that it becomes.
    ("2026-03-28 02:30", "EXDATE:20260329T023000", ["03-28 01:30", "03-30 00:30"]),
    ("2026-03-28 02:30", "EXDATE:20260329T033000", ["03-28 01:30", "03-30 00:30"]),
    ("2026-03-28 02:30", "EXDATE:20260329T013000Z", ["03-28 01:30", "03-30 00:30"]),
    ("2026-03-28 02:30", "EXDATE;TZID=Europe/Paris:20260329T023000", ["03-28 01:30", "03-30 00:30"]),
    ("2026-03-28 02:30", "EXDATE:20260329", ["03-28 01:30", "03-30 00:30"]),
    # The hour that comes twice in autumn: the window begins in the first.
    ("2026-10-24 02:30", "EXDATE:20261025T023000", ["10-24 00:30", "10-26 01:30"]),
    ("2026-10-24 02:30", "EXDATE:20261025T003000Z", ["10-24 00:30", "10-26 01:30"]),
    ("2026-10-24 02:30", "EXDATE:20261025T013000Z", ["10-24 00:30", "10-25 00:30"]),
    ("2026-10-24 02:30", "EXDATE;TZID=Europe/Paris:20261025T023000", ["10-24 00:30", "10-26 01:30"]),
]
# The same window, every other day: the first starts with one that was added.
ADDED = [
    ("2026-07-01 22:30", "RDATE:20260702T101500", ["07-01 20:30", "07-02 08:15", "07-03 20:30"]),
    ("2026-07-01 22:30", "RDATE:20260702T101500Z", ["07-01 20:30", "07-02 10:15", "07-03 20:30"]),
    ("2026-07-01 22:30", 'RDATE;TZID="Asia/Tokyo":20260702T101500', ["07-01 20:30", "07-02 01:15", "07-03 20:30"]),
    # A whole day begins when the window does; what is there already is there once.
    ("2026-07-01 22:30", "RDATE;VALUE=DATE:20260702", ["07-01 20:30", "07-02 20:30", "07-03 20:30"]),
    ("2026-07-01 22:30", "RDATE:20260703,20260703T203000Z", ["07-01 20:30", "07-03 20:30", "07-05 20:30"]),
    ("2026-03-28 02:30", "RDATE:20260329T023000", ["03-28 01:30", "03-29 01:30", "03-30 00:30"]),
    ("2026-03-28 02:30", "RDATE:20260329", ["03-28 01:30", "03-29 01:30", "03-30 00:30"]),
    ("2026-10-24 02:30", "RDATE:20261025T023000", ["10-24 00:30", "10-25 00:30", "10-26 01:30"]),
    ("2026-10-24 02:30", "RDATE:20261025T013000Z", ["10-24 00:30", "10-25 01:30", "10-26 01:30"]),
]
REFUSED = [
    ("EXDATE:soon", "“SOON” is no date of EXDATE; write 20261224T220000, 20261224T210000Z, or 20261224 for that day."),
    ("RDATE:", "“” is no date of RDATE; write 20261224T220000, 20261224T210000Z, or 20261224 for that day."),
    (
        "RDATE:20260230T000000",
        "“20260230T000000” is no date of RDATE; write 20261224T220000, 20261224T210000Z, or 20261224 for that day.",
    ),
    (
        "RDATE;VALUE=PERIOD:20260701T220000/PT1H",
        "“VALUE=PERIOD” is not read in RDATE; write TZID=Europe/Berlin, or leave it away.",
    ),
    ("EXDATE:00010101T000000", "“00010101T000000” is not in the years 2000 to 2199; check the year."),
    (
        "EXDATE;TZID=Europe/Atlantis:20260702T223000",
        "There is no time zone “Europe/Atlantis”; use a name such as Europe/Berlin or UTC.",
    ),
    (
        "EXDATE;TZID=Europe/Berlin:20260702T223000Z",
        "“20260702T223000Z” is of UTC already; leave the TZID away, or the Z.",
    ),
    (
        "EXDATE;TZID=Europe/Berlin:20260702",
        "“20260702” is a whole day by the window's clock; leave the TZID away, or write a time of day.",
    ),
    (
        "RDATE:20260701T202959Z",
        "An RDATE lies before the start of the window; make the start earlier, or leave that date away.",
    ),
    (
        "EXRULE:FREQ=DAILY",
        "“EXRULE” is no line of a recurrence; write RRULE, EXDATE and RDATE, each on a line of its own.",
    ),
    (
        "DTSTART;TZID=Europe/Berlin:20260701T223000",
        "DTSTART is the window's own start; enter it there and leave that line away.",
    ),
    ("FREQ=WEEKLY", "A window has one RRULE; make two windows of it."),
    (
        f"EXDATE:{','.join(['20260702'] * (MAX_DATES + 1))}",
        "There are 101 dates, and 100 are the limit; leave away those that are over.",
    ),
    ("x" * MAX_RECURRENCE_LENGTH, "A recurrence may have 2000 characters at most; leave away dates that are over."),
]


def build(text: str, *, wall: str = "2026-07-01 22:30", timezone: str = BERLIN, minutes: int = 20) -> Timetable:
    first_at = datetime.fromisoformat(wall).replace(tzinfo=find_zone(timezone)).astimezone(UTC)
    return parse_timetable(first_at, timedelta(minutes=minutes), recurrence=text, timezone=timezone)


def list_starts(timetable: Timetable, count: int) -> list[str]:
    found = timetable.iterate(timetable.first_at - timedelta(hours=1))
    return [each.starts_at.strftime("%m-%d %H:%M") for each in islice(found, count)]


@pytest.mark.parametrize(("wall", "line", "expected"), SKIPPED)
def test_date_is_skipped(wall: str, line: str, expected: list[str]) -> None:
    assert list_starts(build(f"{DAILY}\n{line}", wall=wall), len(expected)) == expected


@pytest.mark.parametrize(("wall", "line", "expected"), ADDED)
def test_date_is_added(wall: str, line: str, expected: list[str]) -> None:
    assert list_starts(build(f"{DAILY};INTERVAL=2\r\n{line}", wall=wall), len(expected)) == expected


def test_first_start_in_the_second_of_two_hours_is_skipped_by_its_wall() -> None:
    first_at = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    text = f"{DAILY}\nEXDATE:20261025T023000"
    timetable = parse_timetable(first_at, timedelta(hours=1), recurrence=text, timezone=BERLIN)
    assert list_starts(timetable, 1) == ["10-26 01:30"]


def test_date_that_is_both_added_and_skipped_is_skipped() -> None:
    text = "FREQ=DAILY;INTERVAL=2\nRDATE:20260702T101500,20260702T111500\nEXDATE:20260702T101500"
    assert list_starts(build(text), 3) == ["07-01 20:30", "07-02 09:15", "07-03 20:30"]


def test_start_is_moved_within_its_day() -> None:
    text = "FREQ=DAILY\nEXDATE:20260702\nRDATE:20260702T101500"
    assert list_starts(build(text), 3) == ["07-01 20:30", "07-02 08:15", "07-03 20:30"]


def test_dates_need_no_rule() -> None:
    timetable = build("RDATE:20260709,20260705T120000Z")
    assert list_starts(timetable, 9) == ["07-01 20:30", "07-05 12:00", "07-09 20:30"]
    assert timetable.find_next(datetime(2026, 7, 9, 20, 30, tzinfo=UTC)) is None


def test_added_date_is_after_an_until_and_skipped_ones_count() -> None:
    text = "FREQ=DAILY;UNTIL=20260702\nRDATE:20260801"
    assert list_starts(build(text), 9) == ["07-01 20:30", "07-02 20:30", "08-01 20:30"]
    assert list_starts(build("FREQ=DAILY;COUNT=3\nEXDATE:20260702"), 9) == ["07-01 20:30", "07-03 20:30"]


def test_added_start_is_open_like_any_other() -> None:
    timetable = build("FREQ=YEARLY\nRDATE:20260705T120000Z")
    [only] = timetable.find_open(datetime(2026, 7, 5, 12, 19, tzinfo=UTC))
    assert only.ends_at == datetime(2026, 7, 5, 12, 20, tzinfo=UTC)
    assert build("FREQ=YEARLY\nEXDATE:20260701").find_open(timetable.first_at) == []


def test_long_line_goes_on_after_a_space() -> None:
    text = "FREQ=DAILY\r\nEXDATE:20260702T223000,2026\r\n 0703T223000\n\n"
    assert list_starts(build(text), 2) == ["07-01 20:30", "07-04 20:30"]


def test_overlap_with_an_added_date_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="begin again before it is over"):
        build("FREQ=DAILY\nRDATE:20260702T221500")


def test_recurrence_of_which_nothing_is_left_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="never begins"):
        build("FREQ=DAILY;COUNT=1\nEXDATE:20260701")


@pytest.mark.parametrize(("line", "sentence"), REFUSED)
def test_refused_line_names_its_cure(line: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        build(f"{DAILY}\n{line}")
    assert (refused.value.sentence, refused.value.field) == (sentence, "recurrence")


def test_as_many_dates_as_may_be_fit() -> None:
    days = [datetime(2027, 1, 1) + timedelta(days=number) for number in range(MAX_DATES)]  # noqa: DTZ001  # of a wall
    text = f"{DAILY}\nEXDATE:{','.join(f'{day:%Y%m%dT%H%M%S}Z' for day in days)}"
    assert len(text) <= MAX_RECURRENCE_LENGTH
    assert len(parse_recurrence(text).skipped) == MAX_DATES


HOURS = st.integers(0, 24 * 30).map(lambda hours: datetime(2026, 7, 1, 20, 30) + timedelta(hours=hours))  # noqa: DTZ001


@given(st.lists(HOURS, max_size=9), st.lists(HOURS, max_size=9))
def test_what_it_yields_is_what_the_rule_and_its_dates_say(skipped: list[datetime], added: list[datetime]) -> None:
    lines = [
        f"{name}:{each:%Y%m%dT%H%M%S}" for name, dates in (("EXDATE", skipped), ("RDATE", added)) for each in dates
    ]
    text = "\n".join(["RRULE:FREQ=HOURLY;INTERVAL=7", *lines])
    timetable = build(text, wall="2026-07-01 20:30", timezone="UTC")
    found = [each.starts_at for each in islice(timetable.iterate(timetable.first_at - timedelta(hours=1)), 120)]
    expected = rrulestr(text, dtstart=datetime(2026, 7, 1, 20, 30))  # noqa: DTZ001
    assert found == [each.replace(tzinfo=UTC) for each in islice(expected, 120)]
    assert all(earlier < later for earlier, later in pairwise(found))


@given(
    st.lists(
        st.sampled_from(
            ["RRULE", "EXDATE", "RDATE", ";TZID=", ":", ",", "2026", "0702T22", "\n", " ", "Z", "FREQ=DAILY"]
        )
    )
)
def test_any_lines_are_read_or_refused_in_a_sentence(pieces: list[str]) -> None:
    started = time.monotonic()
    try:
        timetable = build("".join(pieces))
    except ConfigurationError as error:
        ending = error.sentence[-1]
    else:
        ending = "." if timetable.find_next(timetable.first_at - timedelta(hours=1)) else ""
    assert ending == "."
    assert time.monotonic() - started < PATIENCE_SECONDS
