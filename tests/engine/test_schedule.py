"""Interval schedules: what holds for every group, every reading of the clock and every outage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from healthcheck.engine.schedule import (
    MAX_INTERVAL_SECONDS,
    Gap,
    IntervalSchedule,
    Plan,
    expiry,
    phase_of,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)

intervals = st.integers(1, MAX_INTERVAL_SECONDS)
group_ids = st.integers(1, 2**31 - 1)
# Past 2038, where 32 bits end.
instants = st.datetimes(datetime(2020, 1, 1), datetime(2070, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
schedules = st.builds(lambda group_id, n: IntervalSchedule(n, phase_of(group_id, n)), group_ids, intervals)
outages = st.timedeltas(timedelta(), timedelta(days=40))
# A group's deadline is shorter than its interval.
shares = st.floats(0.001, 0.999)


def deadline_of(schedule: IntervalSchedule, share: float) -> timedelta:
    return schedule.interval * share


def is_on_grid(schedule: IntervalSchedule, instant: datetime) -> bool:
    return (instant - EPOCH - schedule.phase) % schedule.interval == timedelta()


@given(schedules, instants)
def test_slots_lie_on_the_grid_around_an_instant(schedule: IntervalSchedule, instant: datetime) -> None:
    latest, following = schedule.latest_slot(instant), schedule.slot_after(instant)
    assert latest <= instant < following
    assert following - latest == schedule.interval
    assert is_on_grid(schedule, latest)


@given(schedules, instants, outages, shares)
def test_plan_never_runs_a_slot_of_the_future_nor_stands_still(
    schedule: IntervalSchedule, due_at: datetime, late: timedelta, share: float
) -> None:
    now = due_at + late
    plan = schedule.plan(due_at, now, deadline=deadline_of(schedule, share))
    assert plan.slot is not None
    assert due_at <= plan.slot <= now < plan.next_run_at
    assert is_on_grid(schedule, plan.next_run_at)


@given(schedules, instants, outages, shares)
def test_plan_covers_every_slot_once_by_its_gap_and_its_slot(
    schedule: IntervalSchedule, instant: datetime, late: timedelta, share: float
) -> None:
    due_at = schedule.latest_slot(instant)
    now = due_at + late
    plan = schedule.plan(due_at, now, deadline=deadline_of(schedule, share))
    assert plan.slot == schedule.latest_slot(now)
    assert plan.next_run_at == plan.slot + schedule.interval
    missed = (plan.slot - due_at) // schedule.interval
    assert plan.gap == (Gap(due_at, plan.slot, missed) if missed else None)


@given(schedules, instants, st.integers(0, 30), shares)
def test_plan_after_an_outage_continues_the_slots_that_would_have_been(
    schedule: IntervalSchedule, due_at: datetime, outage: int, share: float
) -> None:
    deadline = deadline_of(schedule, share)
    slots, clock = [due_at], due_at
    for _ in range(outage + 1):
        clock = schedule.plan(clock, clock, deadline=deadline).next_run_at
        slots.append(clock)
    late = schedule.plan(due_at, slots[outage], deadline=deadline)
    assert (late.slot, late.next_run_at) == (slots[outage], slots[outage + 1])
    assert late.gap == (Gap(due_at, slots[outage], outage) if outage else None)


@given(schedules, instants, shares)
def test_plan_off_the_phase_runs_at_once_and_leaves_the_run_time_to_end(
    schedule: IntervalSchedule, due_at: datetime, share: float
) -> None:
    assume(not is_on_grid(schedule, due_at))
    deadline = deadline_of(schedule, share)
    plan = schedule.plan(due_at, due_at, deadline=deadline)
    assert (plan.slot, plan.gap) == (due_at, None)
    assert due_at + deadline < plan.next_run_at <= due_at + deadline + schedule.interval


def test_plan_of_a_new_group_claimed_after_its_phase_passed_misses_nothing() -> None:
    schedule = IntervalSchedule(10, 3 * SECOND)
    plan = schedule.plan(NOW + SECOND, NOW + 4 * SECOND, deadline=5 * SECOND)
    assert plan == Plan(NOW + SECOND, None, NOW + 13 * SECOND)


def test_plan_of_a_late_claim_inside_its_slot_runs_the_slot() -> None:
    schedule = IntervalSchedule(10)
    assert schedule.plan(NOW, NOW + 9 * SECOND, deadline=SECOND) == Plan(NOW, None, NOW + 10 * SECOND)
    expected = Plan(NOW + 10 * SECOND, Gap(NOW, NOW + 10 * SECOND, 1), NOW + 20 * SECOND)
    assert schedule.plan(NOW, NOW + 10 * SECOND, deadline=SECOND) == expected


def test_plan_after_an_hour_without_schedulers_states_one_gap() -> None:
    plan = IntervalSchedule(60).plan(NOW, NOW + timedelta(hours=1, seconds=5), deadline=SECOND)
    later = NOW + timedelta(hours=1)
    assert plan == Plan(later, Gap(NOW, later, 60), later + MINUTE)


def test_slots_go_on_past_2038_and_leap_days() -> None:
    daily = IntervalSchedule(86_400)
    assert daily.slot_after(datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC)) == datetime(2038, 1, 20, tzinfo=UTC)
    assert daily.slot_after(datetime(2028, 2, 28, 12, tzinfo=UTC)) == datetime(2028, 2, 29, tzinfo=UTC)


def test_interval_does_not_hear_of_daylight_saving() -> None:
    schedule = IntervalSchedule(3600)
    before = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
    slots = [before]
    for _ in range(6):
        slots.append(schedule.slot_after(slots[-1]))
    assert [slot.hour for slot in slots[1:]] == [23, 0, 1, 2, 3, 4]


@given(group_ids, intervals)
def test_phase_lies_inside_the_interval_in_whole_milliseconds(group_id: int, interval: int) -> None:
    phase = phase_of(group_id, interval)
    assert timedelta() <= phase < timedelta(seconds=interval)
    assert phase % timedelta(milliseconds=1) == timedelta()


def test_phase_is_the_same_in_every_process_and_release() -> None:
    assert [phase_of(group_id, 60) // timedelta(milliseconds=1) for group_id in (1, 2, 3)] == [13_910, 1_100, 34_561]


def test_phases_of_many_groups_spread_over_the_interval() -> None:
    seconds = [phase_of(group_id, 60) // SECOND for group_id in range(6000)]
    counts = [seconds.count(second) for second in range(60)]
    # A hundred each on average; ten is the standard deviation.
    assert 50 < min(counts) <= max(counts) < 150


@pytest.mark.parametrize(
    ("interval", "outlives"),
    [(10 * SECOND, 10 * SECOND), (MINUTE, MINUTE), (timedelta(hours=1), MINUTE), (DAY, MINUTE)],
)
def test_evidence_outlives_the_next_slot_by_one_slot_or_a_minute(interval: timedelta, outlives: timedelta) -> None:
    expires = expiry(NOW, NOW + interval, deadline=5 * SECOND, margin=3 * SECOND)
    assert expires == NOW + interval + outlives + 8 * SECOND
