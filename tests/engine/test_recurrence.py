"""Which recurrences begin when, and which are refused with which sentence; always in bounded time."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from healthcheck.engine.recurrence import Timetable, parse_timetable
from healthcheck.engine.recurrence_rule import FREQUENCIES, MAX_RULE_LENGTH, parse_rule
from healthcheck.engine.recurrence_text import LAST_YEAR
from healthcheck.engine.types import ConfigurationError

FIRST = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
# Far more than a search takes, far less than a search without a bound.
PATIENCE_SECONDS = 5.0
SIXTY = ",".join(str(number) for number in range(60))

NEVER = [
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=HOURLY;INTERVAL=24;BYHOUR=5",
    "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
    "FREQ=DAILY;BYDAY=MO;BYSETPOS=9",
    "FREQ=DAILY;UNTIL=20251231",
    "FREQ=DAILY;UNTIL=20260131T232959Z",
]
REFUSED = [
    ("FREQ=SECONDLY", "FREQ=SECONDLY is too often for maintenance; the most often is FREQ=HOURLY."),
    ("FREQ=MINUTELY", "FREQ=MINUTELY is too often for maintenance; the most often is FREQ=HOURLY."),
    (
        f"FREQ=DAILY;BYHOUR=0;BYMINUTE={SIXTY};BYSECOND={SIXTY}",
        "It would begin 3600 times a day, and 24 are the limit; make it one longer time.",
    ),
    (
        "FREQ=HOURLY;BYMINUTE=0,30",
        "It would begin 48 times a day, and 24 are the limit; make it one longer time.",
    ),
    ("FREQ=DAILY;COUNT=1000000000", "COUNT must be a number from 1 to 1000."),
    ("FREQ=DAILY;COUNT=0", "COUNT must be a number from 1 to 1000."),
    ("FREQ=DAILY;INTERVAL=1001", "INTERVAL must be a number from 1 to 1000."),
    ("FREQ=DAILY;INTERVAL=0", "INTERVAL must be a number from 1 to 1000."),
    ("FREQ=DAILY;COUNT=3;UNTIL=20261231", "Give either COUNT or UNTIL, not both."),
    ("FREQ=DAILY;UNTIL=soon", "UNTIL must be a day such as 20261231, or an instant such as 20261231T220000Z."),
    ("FREQ=DAILY;UNTIL=20260230", "UNTIL must be a day such as 20261231, or an instant such as 20261231T220000Z."),
    (
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "BYMONTHDAY takes numbers from 1 to 31, or -31 to -1 from the end, with commas between them.",
    ),
    ("FREQ=MONTHLY;BYMONTH=1_2", "BYMONTH takes numbers from 1 to 12, with commas between them."),
    (
        "FREQ=WEEKLY;BYDAY=XX",
        "BYDAY takes MO, TU, WE, TH, FR, SA, SU, as in BYDAY=MO,TH, or a place such as 1MO or -1FR.",
    ),
    (
        "FREQ=WEEKLY;BYDAY=1MO",
        "A place in BYDAY, such as 1MO, needs FREQ=MONTHLY or FREQ=YEARLY; leave the number away.",
    ),
    ("FREQ=WEEKLY;WKST=XX", "WKST must be one of MO, TU, WE, TH, FR, SA, SU."),
    (
        "FREQ=DAILY;BYSETPOS=1",
        "BYSETPOS chooses among other parts; add one such as BYDAY=MO,TU,WE,TH,FR, or leave it away.",
    ),
    ("FREQ=DAILY;BYWEEKNO=1", "BYWEEKNO needs FREQ=YEARLY."),
    ("FREQ=DAILY;FREQ=DAILY", "FREQ stands twice; leave one away."),
    ("INTERVAL=2", "FREQ must be one of YEARLY, MONTHLY, WEEKLY, DAILY or HOURLY."),
    ("every sunday", "“EVERY SUNDAY” is no part of a recurrence; write one such as FREQ=WEEKLY;BYDAY=SU."),
    ("FREQ=DAILY;" * 46, "A recurrence may have 500 characters at most; make two windows of it."),
]


def build(rule: str, *, first_at: datetime = FIRST, hours: float = 0.25, timezone: str = "UTC") -> Timetable:
    return parse_timetable(first_at, hours * HOUR, recurrence=rule, timezone=timezone)


def list_days(rule: str, count: int) -> list[str]:
    found = build(rule).iterate(FIRST - HOUR)
    return [each.starts_at.strftime("%y-%m-%d") for each in islice(found, count)]


def test_one_off_starts_once_and_may_cross_midnight_and_a_month() -> None:
    timetable = build("", hours=2)
    [only] = timetable.iterate(FIRST - HOUR)
    assert (only.starts_at, only.ends_at) == (FIRST, datetime(2026, 2, 1, 1, 30, tzinfo=UTC))
    assert list(timetable.iterate(FIRST)) == []


def test_the_thirty_first_leaves_out_shorter_months() -> None:
    assert list_days("FREQ=MONTHLY;BYMONTHDAY=31", 4) == ["26-01-31", "26-03-31", "26-05-31", "26-07-31"]


def test_monthly_from_the_thirty_first_is_the_thirty_first() -> None:
    assert list_days("FREQ=MONTHLY", 3) == ["26-01-31", "26-03-31", "26-05-31"]


def test_the_last_day_is_in_every_month() -> None:
    assert list_days("FREQ=MONTHLY;BYMONTHDAY=-1", 4) == ["26-01-31", "26-02-28", "26-03-31", "26-04-30"]


def test_the_leap_day_comes_every_four_years_but_not_in_2100() -> None:
    assert list_days("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", 2) == ["28-02-29", "32-02-29"]
    late = build("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29").iterate(datetime(2095, 1, 1, tzinfo=UTC))
    assert [each.starts_at.year for each in islice(late, 2)] == [2096, 2104]


def test_last_friday_of_a_month() -> None:
    assert list_days("FREQ=MONTHLY;BYDAY=-1FR", 3) == ["26-02-27", "26-03-27", "26-04-24"]


def test_first_weekday_of_a_month() -> None:
    rule = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1"
    assert list_days(rule, 3) == ["26-02-02", "26-03-02", "26-04-01"]


def test_every_other_week_counts_from_its_start_however_late_it_is_asked() -> None:
    timetable = build("FREQ=WEEKLY;INTERVAL=2;BYDAY=SA")
    late = [each.starts_at.date() for each in islice(timetable.iterate(datetime(2046, 1, 1, tzinfo=UTC)), 3)]
    assert late == [date(2046, 1, 6), date(2046, 1, 20), date(2046, 2, 3)]
    assert [(each - FIRST.date()).days % 14 for each in late] == [0, 0, 0]


def test_count_ends_it() -> None:
    assert list_days("FREQ=DAILY;COUNT=2", 5) == ["26-01-31", "26-02-01"]


def test_until_a_day_means_all_of_that_day() -> None:
    assert list_days("FREQ=DAILY;UNTIL=20260201", 5) == ["26-01-31", "26-02-01"]


@pytest.mark.parametrize(
    ("until", "count"),
    [("20260201T233000Z", 2), ("20260201T232959Z", 1), ("20260202T013000", 2), ("20260202T012959", 1)],
)
def test_until_an_instant_is_of_utc_with_z_and_of_the_wall_without(until: str, count: int) -> None:
    # Half past one at night in Athens.
    timetable = build(f"FREQ=DAILY;UNTIL={until}", timezone="Europe/Athens")
    assert len(list(timetable.iterate(FIRST - HOUR))) == count


@pytest.mark.parametrize("rule", NEVER)
def test_rule_that_never_fires_is_refused_in_bounded_time(rule: str) -> None:
    started = time.monotonic()
    with pytest.raises(ConfigurationError) as refused:
        build(rule)
    assert time.monotonic() - started < PATIENCE_SECONDS
    assert (
        refused.value.sentence == "This recurrence never begins; choose days that exist, and an UNTIL after the start."
    )
    assert refused.value.field == "recurrence"


@pytest.mark.parametrize(("rule", "sentence"), REFUSED)
def test_refused_rule_names_its_cure(rule: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_rule(rule)
    assert (refused.value.sentence, refused.value.field) == (sentence, "recurrence")


def test_rule_that_fires_each_second_is_refused_however_it_is_written() -> None:
    hours = ",".join(str(number) for number in range(24))
    for rule in ("FREQ=SECONDLY", f"FREQ=DAILY;BYHOUR={hours};BYMINUTE={SIXTY};BYSECOND={SIXTY}"):
        assert len(rule) <= MAX_RULE_LENGTH
        with pytest.raises(ConfigurationError, match=r"too often|times a day"):
            parse_rule(rule)


@pytest.mark.parametrize("timezone", ["Europe/Atlantis", "", "../etc/passwd", "/etc/passwd", "UTC\0", "x" * 500, "😀"])
def test_unknown_time_zone_is_refused(timezone: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        build("FREQ=DAILY", timezone=timezone)
    assert refused.value.sentence.endswith("use a name such as Europe/Berlin or UTC.")
    assert refused.value.field == "timezone"


@pytest.mark.parametrize(("hours", "word"), [(0, "later end"), (-1, "later end"), (366 * 24 + 1, "366 days")])
def test_window_that_ends_before_it_starts_or_hardly_ever_is_refused(hours: int, word: str) -> None:
    with pytest.raises(ConfigurationError, match=word) as refused:
        build("", hours=hours)
    assert refused.value.field == "duration_seconds"


@pytest.mark.parametrize("year", [1999, 2200])
def test_window_of_another_century_is_refused(year: int) -> None:
    with pytest.raises(ConfigurationError, match="check the year"):
        build("", first_at=FIRST.replace(year=year))


def test_window_that_begins_again_before_it_is_over_is_refused() -> None:
    assert build("FREQ=DAILY", hours=24).rule is not None
    with pytest.raises(ConfigurationError, match="begin again before it is over"):
        build("FREQ=DAILY", hours=24.1)
    with pytest.raises(ConfigurationError, match="begin again before it is over"):
        build("FREQ=MONTHLY;BYMONTHDAY=1,-1", hours=25)


def test_open_occurrence_is_half_open() -> None:
    timetable = build("FREQ=DAILY", hours=1)
    assert len(timetable.find_open(FIRST)) == 1
    assert len(timetable.find_open(FIRST + HOUR - timedelta(seconds=1))) == 1
    assert timetable.find_open(FIRST + HOUR) == []


def test_hourly_window_of_twenty_years_is_read_at_once() -> None:
    timetable = build("FREQ=HOURLY", first_at=FIRST.replace(year=2006), hours=0.5)
    started = time.monotonic()
    assert timetable.find_next(FIRST) is not None
    assert time.monotonic() - started < 0.5


def write_parts(draw: st.DrawFn) -> str:
    part = {
        "BYMONTH": st.integers(1, 12),
        "BYMONTHDAY": st.integers(-31, 31).filter(bool),
        "BYDAY": st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]),
        "BYHOUR": st.integers(0, 23),
        "INTERVAL": st.integers(1, 5),
        "COUNT": st.integers(1, 20),
    }
    names = draw(st.lists(st.sampled_from(sorted(part)), unique=True, max_size=3))
    return "".join(f";{name}={draw(part[name])}" for name in names)


@st.composite
def rules(draw: st.DrawFn) -> str:
    return f"FREQ={draw(st.sampled_from(sorted(FREQUENCIES)))}{write_parts(draw)}"


@given(rules(), st.integers(0, 3000))
def test_what_it_yields_is_what_the_rule_says_wherever_one_begins_to_look(rule: str, days: int) -> None:
    after = FIRST + timedelta(days=days)
    try:
        timetable = build(rule)
    except ConfigurationError:
        return
    found = [each.starts_at for each in islice(timetable.iterate(after), 3)]
    every = rrulestr(rule, dtstart=FIRST.replace(tzinfo=None))
    last = after.replace(tzinfo=None) + timedelta(days=3000)
    expected = [each.replace(tzinfo=UTC) for each in islice(every.xafter(after.replace(tzinfo=None)), 3) if each < last]
    assert [each for each in found if each.replace(tzinfo=None) < last] == expected
    assert all(earlier < later for earlier, later in pairwise(found))


@settings(max_examples=50)
@given(st.text(max_size=600) | rules().map(lambda rule: rule + ";BYSETPOS=7"), st.sampled_from(["UTC", "Asia/Gaza"]))
def test_any_text_is_read_or_refused_in_a_sentence(text: str, timezone: str) -> None:
    started = time.monotonic()
    try:
        found = list(islice(build(text, timezone=timezone).iterate(FIRST), 5))
    except ConfigurationError as error:
        sentence = error.sentence
    else:
        sentence = "."
        assert all(each.starts_at.year <= LAST_YEAR for each in found)
    assert sentence.endswith(".")
    assert time.monotonic() - started < PATIENCE_SECONDS
