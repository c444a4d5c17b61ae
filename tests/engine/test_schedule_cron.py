"""Cron schedules: where the clocks change, what runs late and what does not, and which expressions are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.schedule import (
    CRON_LATE_LIMIT,
    MAX_COUNTED_SLOTS,
    CronSchedule,
    Gap,
    Plan,
    parse_cron,
)
from healthcheck.engine.types import ConfigurationError

BERLIN = ZoneInfo("Europe/Berlin")
# The clocks go from 02:00 to 03:00 on 29 March 2026, and from 03:00 to 02:00 on 25 October 2026.
SPRING, AUTUMN = datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NO_DEADLINE = timedelta()


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def list_slots(schedule: CronSchedule, after: datetime, until: datetime) -> list[datetime]:
    slots, slot = [], schedule.slot_after(after)
    while slot < until:
        slots.append(slot)
        slot = schedule.slot_after(slot)
    return slots


def list_local(expression: str, night: datetime) -> list[str]:
    slots = list_slots(parse_cron(expression, "Europe/Berlin"), night, night + 8 * HOUR)
    return [slot.astimezone(BERLIN).strftime("%H:%M%z") for slot in slots]


def test_slots_follow_the_local_clock_of_the_zone() -> None:
    schedule = parse_cron("0 3 * * *", "Europe/Berlin")
    assert schedule.slot_after(utc(2026, 1, 10)) == utc(2026, 1, 10, 2)
    assert schedule.slot_after(utc(2026, 7, 10)) == utc(2026, 7, 10, 1)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("30 2 * * *", ["03:00+0200"]),
        ("0,30 2 * * *", ["03:00+0200"]),
        ("15 3 * * *", ["03:15+0200"]),
        ("30 1 * * *", ["01:30+0100"]),
        ("30 */6 * * *", ["00:30+0100", "06:30+0200"]),
        ("0 1-4 * * *", ["01:00+0100", "03:00+0200", "04:00+0200"]),
    ],
)
def test_fixed_time_in_the_missing_hour_runs_once_right_after_it(expression: str, expected: list[str]) -> None:
    assert list_local(expression, SPRING) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("30 2 * * *", ["02:30+0200"]),
        ("0,30 2 * * *", ["02:00+0200", "02:30+0200"]),
        ("15 3 * * *", ["03:15+0100"]),
        ("0 1-4 * * *", ["01:00+0200", "02:00+0200", "03:00+0100", "04:00+0100"]),
    ],
)
def test_fixed_time_in_the_doubled_hour_runs_once(expression: str, expected: list[str]) -> None:
    assert list_local(expression, AUTUMN) == expected


@pytest.mark.parametrize(
    ("expression", "night", "expected"),
    [
        ("30 * * * *", SPRING, ["00:30+0100", "01:30+0100", "03:30+0200"]),
        ("30 * * * *", AUTUMN, ["00:30+0200", "01:30+0200", "02:30+0200", "02:30+0100", "03:30+0100"]),
        ("*/30 2 * * *", AUTUMN, ["02:00+0200", "02:30+0200", "02:00+0100", "02:30+0100"]),
        ("*/30 2 * * *", SPRING, []),
    ],
)
def test_wildcards_follow_elapsed_time_in_both_hours(expression: str, night: datetime, expected: list[str]) -> None:
    assert list_local(expression, night)[: len(expected) or None] == expected


def test_every_quarter_of_an_hour_is_even_across_both_changes() -> None:
    schedule = parse_cron("*/15 * * * *", "Europe/Berlin")
    for night in (SPRING, AUTUMN):
        slots = list_slots(schedule, night, night + 8 * HOUR)
        assert {later - slot for slot, later in pairwise(slots)} == {15 * MINUTE}


@pytest.mark.parametrize("minute", [1, 10, 29, 31, 59])
def test_slot_after_an_instant_in_the_second_doubled_hour_is_not_before_it(minute: int) -> None:
    schedule = parse_cron("30 2 * * *", "Europe/Berlin")
    second_hour = utc(2026, 10, 25, 1, minute)
    assert schedule.slot_after(second_hour) == utc(2026, 10, 26, 1, 30)
    plan = schedule.plan(second_hour, second_hour, deadline=NO_DEADLINE)
    assert plan == Plan(second_hour, None, utc(2026, 10, 26, 1, 30))


EXPRESSIONS = ["30 2 * * *", "*/7 * * * *", "0 */3 * * *", "59 23 31 12 *", "0 0 29 2 *", "5,35 1-4 * * 0", "0 0 L * *"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana"]
schedules = st.builds(CronSchedule, st.sampled_from(EXPRESSIONS), st.sampled_from(ZONES))
# Around both changes of 2026 in every zone, to the microsecond.
instants = st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 30), timezones=st.just(UTC))  # noqa: DTZ001


@given(schedules, instants)
def test_slot_after_lies_after_and_is_the_next_there_is(schedule: CronSchedule, instant: datetime) -> None:
    slot = schedule.slot_after(instant)
    assert slot > instant
    assert (slot.second, slot.microsecond) == (0, 0)
    assert schedule.slot_after(instant + (slot - instant) / 2) == slot
    assert schedule.slot_after(slot - timedelta(microseconds=1)) == slot


@given(schedules, instants, st.timedeltas(timedelta(), timedelta(hours=30)))
def test_plan_runs_no_slot_of_the_future_and_none_twice(
    schedule: CronSchedule, instant: datetime, late: timedelta
) -> None:
    due_at = schedule.slot_after(instant)
    now = due_at + late
    plan = schedule.plan(due_at, now, deadline=NO_DEADLINE)
    assert plan.next_run_at > now
    assert plan.next_run_at == schedule.slot_after(now)
    passed = [due_at, *list_slots(schedule, due_at, now + timedelta(microseconds=1))]
    if now - passed[-1] <= CRON_LATE_LIMIT:
        assert plan.slot == passed.pop()
    else:
        assert plan.slot is None
    counted = min(len(passed), MAX_COUNTED_SLOTS)
    if not passed:
        assert plan.gap is None
        return
    assert plan.gap is not None
    assert (plan.gap.start, plan.gap.until) == (due_at, plan.slot or now)
    assert counted <= plan.gap.count <= len(passed)


def test_plan_runs_late_within_the_limit_and_not_after_it() -> None:
    schedule, due_at = parse_cron("0 3 * * *", "UTC"), utc(2026, 7, 1, 3)
    following = utc(2026, 7, 2, 3)
    assert schedule.plan(due_at, due_at + 15 * MINUTE, deadline=NO_DEADLINE) == Plan(due_at, None, following)
    too_late = due_at + 15 * MINUTE + SECOND
    expected = Plan(None, Gap(due_at, too_late, 1), following)
    assert schedule.plan(due_at, too_late, deadline=NO_DEADLINE) == expected


def test_plan_after_a_gap_runs_the_current_slot_only() -> None:
    schedule, due_at = parse_cron("*/10 * * * *", "UTC"), utc(2026, 7, 1, 3)
    plan = schedule.plan(due_at, due_at + 34 * MINUTE, deadline=NO_DEADLINE)
    current = due_at + 30 * MINUTE
    assert plan == Plan(current, Gap(due_at, current, 3), due_at + 40 * MINUTE)


@pytest.mark.parametrize("days", [1, 30, 3650])
def test_plan_after_a_long_outage_is_bounded_and_still_runs_the_current_slot(days: int) -> None:
    schedule, due_at = CronSchedule("* * * * *"), utc(2026, 7, 1)
    now = due_at + days * DAY + 20 * SECOND
    plan = schedule.plan(due_at, now, deadline=NO_DEADLINE)
    current = due_at + days * DAY
    assert (plan.slot, plan.next_run_at) == (current, current + MINUTE)
    # "At least so many": the limit, and those that were looked at for the current one.
    assert plan.gap == Gap(due_at, current, MAX_COUNTED_SLOTS + 15)


def test_plan_after_a_long_outage_of_rare_slots_runs_none() -> None:
    schedule, due_at = CronSchedule("0 * * * *"), utc(2026, 1, 1)
    now = due_at + 60 * DAY + 30 * MINUTE
    plan = schedule.plan(due_at, now, deadline=NO_DEADLINE)
    assert plan == Plan(None, Gap(due_at, now, MAX_COUNTED_SLOTS + 1), due_at + 60 * DAY + HOUR)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("0 0 29 2 *", utc(2026, 1, 1), utc(2028, 2, 29)),
        ("0 0 29 2 *", utc(2028, 2, 29), utc(2032, 2, 29)),
        ("14 3 19 1 *", utc(2037, 6, 1), utc(2038, 1, 19, 3, 14)),
        ("0 0 * * *", utc(2038, 1, 19, 3, 14, 8), utc(2038, 1, 20)),
        ("0 0 L * *", utc(2028, 2, 1), utc(2028, 2, 29)),
    ],
)
def test_slots_go_on_past_leap_days_and_2038(expression: str, after: datetime, expected: datetime) -> None:
    assert parse_cron(expression, "UTC").slot_after(after) == expected


@pytest.mark.parametrize(
    ("expression", "pause"),
    [
        ("* * * * *", MINUTE),
        ("*/59 * * * *", MINUTE),
        ("0 3,5 * * *", 2 * HOUR),
        ("0 3 * * *", DAY),
        ("0 0 29 2 *", 1461 * DAY),
        ("0 0 * 2 MON#5", 28 * 365 * DAY + 7 * DAY),
    ],
)
def test_shortest_pause_is_between_any_two_slots(expression: str, pause: timedelta) -> None:
    assert parse_cron(expression, "UTC").find_shortest_pause(utc(2026, 7, 1)) == pause


CURE = "write five fields such as */5 * * * *."


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("", f"“” is not a cron expression; {CURE}"),
        ("@daily", f"“@daily” is not a cron expression; {CURE}"),
        ("0 0 * * * *", f"“0 0 * * * *” is not a cron expression; {CURE}"),
        ("61 * * * *", f"“61 * * * *” is not a cron expression (Bad minute); {CURE}"),
        ("*/0 * * * *", f"“*/0 * * * *” is not a cron expression (Bad minute); {CURE}"),
        ("* 24 * * *", f"“* 24 * * *” is not a cron expression (Bad hour); {CURE}"),
        ("0 0 31 2 *", f"“0 0 31 2 *” is not a cron expression (Bad day-of-month); {CURE}"),
        ("0 0 1 13 *", f"“0 0 1 13 *” is not a cron expression (Bad month); {CURE}"),
        ("0 0 * * 8", f"“0 0 * * 8” is not a cron expression (Bad day-of-week); {CURE}"),
        ("0 0 */31 * 1#2", "“0 0 */31 * 1#2” never comes; choose a day that exists."),
    ],
)
def test_parse_refuses_with_a_sentence_that_names_the_cure(expression: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_cron(expression, "UTC")
    assert (refused.value.sentence, refused.value.field) == (sentence, "cron")


@pytest.mark.parametrize(
    "expression", ["9" * 5000 + " * * * *", "² * * * *", "1-\x00 * * * *", "* * * * L", "- - - - -"]
)
def test_parse_refuses_hostile_texts_by_name(expression: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_cron(expression, "UTC")
    assert refused.value.field == "cron"


@given(st.text(alphabet="0123456789*/,-#LW ", max_size=30))
def test_parse_of_any_text_is_a_schedule_or_a_named_refusal(expression: str) -> None:
    try:
        slot = parse_cron(expression, "Europe/Berlin").slot_after(SPRING)
    except ConfigurationError:
        slot = None
    assert slot is None or slot > SPRING


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "Europe", "/etc/passwd", "../UTC", "tzdata.zi", "\x00", "\ud800", "x" * 5000]
)
def test_parse_refuses_an_unknown_zone(zone: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_cron("0 3 * * *", zone)
    sentence = f"There is no time zone “{zone}”; use a name such as Europe/Berlin or UTC."
    assert (refused.value.sentence, refused.value.field) == (sentence, "timezone")
