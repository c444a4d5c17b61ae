"""What silence, failures and absences of ours make of a job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from healthcheck.engine.heartbeats import Absence, Expectation, Heard, judge_heartbeat
from healthcheck.engine.schedule import parse_cron
from healthcheck.engine.types import ErrorKind, Evidence, Outcome, State

NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HOURLY = Expectation(period=HOUR, grace=10 * MINUTE)
NIGHTLY = Expectation(period=HOUR, grace=10 * MINUTE, cron=parse_cron("0 3 * * *", "Europe/Berlin"))
WATCHED = Expectation(period=HOUR, grace=10 * MINUTE, max_run=30 * MINUTE)


def heard(**facts: Any) -> Heard:
    return Heard(**({"first_at": NOW - 24 * HOUR} | facts))


def judge(expectation: Expectation, facts: Heard, now: datetime = NOW) -> tuple[State, ErrorKind | None]:
    outcome = judge_heartbeat(expectation, facts, now)
    assert outcome.observed_at == now
    return outcome.verdict, outcome.error_kind


UP = (State.UP, None)
MISSED, FAILED = (State.DOWN, ErrorKind.MISSED), (State.DOWN, ErrorKind.FAILED)
SILENT, AWAY = (State.UNKNOWN, ErrorKind.SILENT), (State.UNKNOWN, ErrorKind.AWAY)


def test_nothing_was_ever_heard_is_unknown_for_ever() -> None:
    assert judge(HOURLY, Heard(), NOW + 10_000 * HOUR) == SILENT


@pytest.mark.parametrize(("age", "said"), [(timedelta(), UP), (70 * MINUTE, UP), (70 * MINUTE + MINUTE / 60, MISSED)])
def test_a_success_holds_for_a_period_and_the_grace(age: timedelta, said: object) -> None:
    assert judge(HOURLY, heard(ended_at=NOW - age)) == said


@pytest.mark.parametrize(("local", "said"), [("02:00", UP), ("03:10", UP), ("03:11", MISSED)])
def test_a_cron_schedule_is_read_in_its_zone(local: str, said: object) -> None:
    now = datetime.fromisoformat(f"2026-07-01T{local}:00+02:00")
    assert (
        judge(NIGHTLY, heard(ended_at=now - 24 * HOUR + 15 * MINUTE if local != "02:00" else now - 2 * HOUR), now)
        == said
    )


def test_the_missing_hour_moves_a_deadline_as_the_schedule_does() -> None:
    expectation = Expectation(HOUR, 10 * MINUTE, cron=parse_cron("30 2 * * *", "Europe/Berlin"))
    before = datetime.fromisoformat("2026-03-28T02:35:00+01:00")
    assert expectation.find_deadline(before) == datetime.fromisoformat("2026-03-29T03:10:00+02:00")


def test_a_failure_is_down_until_a_success() -> None:
    outcome = judge_heartbeat(
        HOURLY, heard(ended_at=NOW, is_failure=True, exit_code=3, duration_ms=1500, said="no space left"), NOW
    )
    assert outcome == Outcome(
        State.DOWN,
        NOW,
        error_kind=ErrorKind.FAILED,
        latency_us=1_500_000,
        evidence=Evidence("It reported a failure.", expected="success", found="exit code 3", excerpt="no space left"),
    )
    assert judge(HOURLY, heard(ended_at=NOW - 99 * HOUR, is_failure=True)) == FAILED


def test_the_latency_of_a_success_is_its_run_time() -> None:
    assert judge_heartbeat(HOURLY, heard(ended_at=NOW, duration_ms=61_000), NOW).latency_us == 61_000_000


def test_a_run_that_does_not_end_is_down() -> None:
    facts = heard(ended_at=NOW - HOUR, open_since=(NOW - 30 * MINUTE,))
    assert judge(WATCHED, facts) == UP
    assert judge(WATCHED, facts, NOW + MINUTE) == MISSED
    assert judge(HOURLY, facts, NOW + MINUTE) == UP


def test_a_run_that_began_in_time_may_take_its_time() -> None:
    facts = heard(ended_at=NOW - 71 * MINUTE, open_since=(NOW - 5 * MINUTE,))
    assert (judge(WATCHED, facts), judge(HOURLY, facts)) == (UP, MISSED)
    late = heard(ended_at=NOW - 99 * MINUTE, open_since=(NOW - 5 * MINUTE,))
    assert judge(WATCHED, late) == MISSED


def test_an_overdue_run_is_history_after_a_success_that_began_later() -> None:
    lost = NOW - 3 * HOUR
    assert judge(WATCHED, heard(ended_at=NOW, duration_ms=60_000, open_since=(lost,))) == UP
    overlapping = heard(ended_at=NOW, duration_ms=3 * 3600_000, open_since=(lost,))
    assert judge(WATCHED, overlapping) == MISSED


def test_a_first_run_is_awaited_as_any_other() -> None:
    begun = Heard(first_at=NOW, open_since=(NOW,))
    assert judge(HOURLY, begun, NOW + 70 * MINUTE) == SILENT
    assert judge(HOURLY, begun, NOW + 71 * MINUTE) == MISSED


@pytest.mark.parametrize(
    ("start", "until", "after", "said"),
    [
        # Away when it was expected: nobody knows, until a whole period later.
        (-5, 30, 30, AWAY),
        (-5, 30, 100, AWAY),
        (-5, 30, 101, MISSED),
        # Away before it could come, and after it was late already.
        (-40, -11, 11, MISSED),
        (11, 30, 31, MISSED),
    ],
)
def test_what_came_while_we_were_away_is_not_missed(start: int, until: int, after: int, said: object) -> None:
    # Expected at NOW, late 10 minutes later.
    absence = Absence(NOW + start * MINUTE, NOW + until * MINUTE)
    assert judge(HOURLY, heard(ended_at=NOW - HOUR, absences=(absence,)), NOW + after * MINUTE) == said


def test_absences_in_a_row_move_the_deadline_each() -> None:
    absences = (Absence(NOW, NOW + HOUR), Absence(NOW + 2 * HOUR, NOW + 3 * HOUR))
    facts = heard(ended_at=NOW - HOUR, absences=absences)
    assert (judge(HOURLY, facts, NOW + 4 * HOUR), judge(HOURLY, facts, NOW + 4.2 * HOUR)) == (AWAY, MISSED)


def test_an_end_that_we_slept_through_is_not_held_against_the_run() -> None:
    facts = heard(ended_at=NOW - HOUR, open_since=(NOW - 40 * MINUTE,))
    absence = Absence(NOW - 35 * MINUTE, NOW - 20 * MINUTE)
    assert (judge(WATCHED, facts), judge(WATCHED, heard(**{**_as_dict(facts), "absences": (absence,)}))) == (MISSED, UP)


def _as_dict(facts: Heard) -> dict[str, Any]:
    return {"first_at": facts.first_at, "ended_at": facts.ended_at, "open_since": facts.open_since}
