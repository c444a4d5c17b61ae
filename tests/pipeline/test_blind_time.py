"""When nobody looked: unknown from the moment the evidence expired, and nothing of it counted against an endpoint.

Each history is written by the real claim, take, record and sweep under a clock of the test's own, and added up by the
arithmetic from the transitions that they left.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from healthcheck.engine.types import ErrorKind, State
from healthcheck.engine.uptime import Step, Totals, measure, to_ms
from healthcheck.models import CheckRun, Endpoint, EndpointGroup, EndpointState, RunStatus, Transition
from healthcheck.pipeline.clock import restart_clocks
from healthcheck.pipeline.execute import TakenRun, take_run
from healthcheck.pipeline.prune import prune
from healthcheck.pipeline.sweep import realign_clocks
from healthcheck.pipeline.tick import tick
from tests.factories import NOW, make_endpoint, make_group, make_transition
from tests.pipeline.conftest import outcome, record_one, take_one

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
# A slot a minute: the next one, as much again, the deadline and the lease's margin.
VALID = 2 * MINUTE + 10 * SECOND + 5 * SECOND
VERDICTS = {"u": State.UP, "g": State.DEGRADED, "d": State.DOWN, "?": State.UNKNOWN}


@pytest.fixture
def endpoint() -> Endpoint:
    group = make_group(interval_seconds=60, deadline_seconds=10.0)
    # On its phase, whatever its id is, so that every slot of a test is a whole minute after the first.
    EndpointGroup.objects.filter(pk=group.pk).update(next_run_at=find_first_slot(group))
    return make_endpoint(group, failure_threshold=2, recovery_threshold=2)


def find_first_slot(group: EndpointGroup) -> datetime:
    return group.schedule.slot_after(NOW)


def take(group: EndpointGroup, at: datetime) -> TakenRun:
    """Tick as the scheduler does, and take what it claims as a worker does."""
    tick(at, node="scheduler-1")
    run = CheckRun.objects.filter(group=group, status=RunStatus.QUEUED).latest("id")
    taken = take_run(run.pk, at)
    assert taken is not None
    return taken


def live(endpoint: Endpoint, story: str, *, start: datetime) -> None:
    """Live through a story, one letter a minute from the slot `start` on; nobody is there where it has a blank."""
    for minute, letter in enumerate(story):
        at = start + minute * MINUTE
        if letter != " ":
            kind = ErrorKind.CAPACITY if letter == "?" else None
            record_one(take(endpoint.group, at), outcome(VERDICTS[letter], at=at, kind=kind))


def add_up(endpoint: Endpoint, *, start: datetime, end: datetime) -> Totals:
    rows = Transition.objects.filter(endpoint_id=endpoint.pk).values_list("at", "pk", "to_state")
    steps = [Step(to_ms(at), pk, State(state)) for at, pk, state in rows]
    return measure(steps, (), start_ms=to_ms(start), end_ms=to_ms(end))


def count(**parts: timedelta) -> Totals:
    return Totals(**{f"{name}_ms": part // timedelta(milliseconds=1) for name, part in parts.items()})


def list_changes(endpoint: Endpoint, start: datetime) -> list[tuple[State, timedelta]]:
    rows = Transition.objects.filter(endpoint_id=endpoint.pk).order_by("id")
    return [(State(row.to_state), row.at - start) for row in rows]


@pytest.mark.parametrize(
    ("before", "after", "up", "down"),
    [
        # Nobody looked for an hour, and all is as it was.
        ("uu", "uu", MINUTE + VALID + 2 * MINUTE, 0 * MINUTE),
        # A streak that began before, and one that begins right after: the time between belongs to nobody.
        ("ud", "dd", MINUTE + VALID, 2 * MINUTE),
        ("uu", "dd", MINUTE + VALID, MINUTE),
        # Contradicted once and then as before: what contradicted was not confirmed, and stays unknown.
        ("uu", "du", MINUTE + VALID + MINUTE, 0 * MINUTE),
        ("dd", "uu", MINUTE, MINUTE + VALID),
    ],
)
def test_hour_without_anybody_is_unknown_from_the_expiry_on(
    endpoint: Endpoint, before: str, after: str, *, up: timedelta, down: timedelta
) -> None:
    start = find_first_slot(endpoint.group)
    live(endpoint, f"{before}{' ' * 60}{after}", start=start)
    assert CheckRun.objects.get(gap_until__isnull=False).slot_count == 60
    unknown = 64 * MINUTE - up - down
    assert add_up(endpoint, start=start, end=start + 64 * MINUTE) == count(up=up, down=down, unknown=unknown)


@pytest.mark.parametrize("after", ["d", "dd"])
def test_blindness_is_found_by_the_run_that_ends_it_where_no_sweep_was_faster(endpoint: Endpoint, after: str) -> None:
    """As of a check that a person asks for while the scheduler is away, or behind the first thousand of a sweep."""
    start = find_first_slot(endpoint.group)
    live(endpoint, "ud", start=start)
    for minute, letter in enumerate(after, start=60):
        at = start + minute * MINUTE
        record_one(take_one(endpoint.group, at=at), outcome(VERDICTS[letter], at=at))
    assert list_changes(endpoint, start) == [
        (State.UP, 0 * MINUTE),
        (State.UNKNOWN, MINUTE + VALID),
        (State.DOWN, 60 * MINUTE),
    ]


def test_worker_that_is_away_leaves_what_is_known_until_it_expires(endpoint: Endpoint) -> None:
    start = find_first_slot(endpoint.group)
    live(endpoint, "uu", start=start)
    for minute in range(2, 12):
        tick(start + minute * MINUTE, node="scheduler-1")
    assert EndpointState.objects.get().state == State.UNKNOWN
    live(endpoint, "uu", start=start + 12 * MINUTE)
    assert CheckRun.objects.filter(status=RunStatus.MISSED).count() == 10
    totals = add_up(endpoint, start=start, end=start + 14 * MINUTE)
    assert totals == count(up=3 * MINUTE + VALID, unknown=11 * MINUTE - VALID)


def test_one_lost_slot_is_forgiven(endpoint: Endpoint) -> None:
    start = find_first_slot(endpoint.group)
    live(endpoint, "uu uu", start=start)
    assert add_up(endpoint, start=start, end=start + 5 * MINUTE) == count(up=5 * MINUTE)


def test_our_own_fault_is_no_evidence_and_lets_it_expire(endpoint: Endpoint) -> None:
    start = find_first_slot(endpoint.group)
    live(endpoint, "ud????????dd", start=start)
    assert list_changes(endpoint, start) == [
        (State.UP, 0 * MINUTE),
        (State.UNKNOWN, MINUTE + VALID),
        (State.DOWN, 10 * MINUTE),
    ]


def test_worker_that_slept_with_its_answer_brings_it_late_and_as_old_as_it_is(endpoint: Endpoint) -> None:
    start = find_first_slot(endpoint.group)
    live(endpoint, "u", start=start)
    slept = take(endpoint.group, start + MINUTE)
    later = start + HOUR
    tick(later, node="scheduler-1")
    record_one(slept, outcome(State.UP, at=start + MINUTE), now=later)
    tick(later + SECOND, node="scheduler-1")
    # What it saw held a minute longer than what was seen before.
    assert add_up(endpoint, start=start, end=later) == count(up=MINUTE + VALID, unknown=59 * MINUTE - VALID)


def test_cold_start_has_no_time_before_its_first_look(endpoint: Endpoint) -> None:
    start = find_first_slot(endpoint.group)
    tick(start, node="scheduler-1")
    live(endpoint, "d", start=start + 5 * MINUTE)
    assert add_up(endpoint, start=start, end=start + 6 * MINUTE) == count(down=MINUTE)


def test_clock_that_jumps_ahead_makes_what_it_passed_over_unknown(endpoint: Endpoint) -> None:
    start = find_first_slot(endpoint.group)
    live(endpoint, "uu", start=start)
    live(endpoint, "u", start=start + HOUR)
    totals = add_up(endpoint, start=start, end=start + HOUR + MINUTE)
    assert totals == count(up=2 * MINUTE + VALID, unknown=HOUR - MINUTE - VALID)


def test_hour_that_the_clock_lives_through_twice_counts_as_it_was_written_first(endpoint: Endpoint) -> None:
    start = find_first_slot(endpoint.group)
    live(endpoint, "uu", start=start)
    live(endpoint, "u", start=start + HOUR)
    # Not on the slots that were written when it was that time before.
    back_at = start + 2 * MINUTE + SECOND
    realign_clocks(back_at)
    live(endpoint, "dd", start=back_at)
    # The change at the jump was at an hour; what the clock says now, before it, begins no earlier than that.
    assert add_up(endpoint, start=start, end=start + HOUR) == count(up=MINUTE + VALID, unknown=HOUR - MINUTE - VALID)
    changes = list_changes(endpoint, start)
    assert changes == sorted(changes, key=lambda change: change[1])


def test_row_from_the_future_counts_once_its_time_has_come(endpoint: Endpoint) -> None:
    start = find_first_slot(endpoint.group)
    live(endpoint, "uu", start=start)
    make_transition(endpoint, at=start + HOUR)
    assert add_up(endpoint, start=start, end=start + 2 * MINUTE) == count(up=2 * MINUTE)
    assert add_up(endpoint, start=start + HOUR, end=start + 2 * HOUR) == count(down=HOUR)


@pytest.mark.parametrize("seconds", [1, 10, 3600])
def test_changed_interval_leaves_the_past_and_the_evidence_as_they_were(endpoint: Endpoint, seconds: int) -> None:
    start = find_first_slot(endpoint.group)
    live(endpoint, "uddu", start=start)
    before = add_up(endpoint, start=start, end=start + 4 * MINUTE)
    EndpointGroup.objects.update(interval_seconds=seconds, deadline_seconds=0.5, next_run_at=start + 4 * MINUTE)
    assert add_up(endpoint, start=start, end=start + 4 * MINUTE) == before
    tick(start + 10 * MINUTE, node="scheduler-1")
    assert EndpointState.objects.get().since == start + 3 * MINUTE + VALID


def test_endpoint_that_is_renamed_keeps_its_history(endpoint: Endpoint) -> None:
    start = find_first_slot(endpoint.group)
    live(endpoint, "u", start=start)
    taken = take(endpoint.group, start + MINUTE)
    Endpoint.objects.update(name="another", address="http://127.0.0.2/")
    record_one(taken, outcome(State.UP, at=start + MINUTE))
    assert add_up(endpoint, start=start, end=start + 2 * MINUTE) == count(up=2 * MINUTE)


def test_endpoint_that_is_moved_in_mid_run_keeps_its_history_and_drops_out_of_the_run(endpoint: Endpoint) -> None:
    start = find_first_slot(endpoint.group)
    live(endpoint, "u", start=start)
    taken = take(endpoint.group, start + MINUTE)
    other = make_group("other", interval_seconds=60, deadline_seconds=10.0)
    Endpoint.objects.update(group=other)
    record_one(taken, outcome(State.DOWN, at=start + MINUTE))
    moved = Endpoint.objects.get()
    restart_clocks([other.pk], start + 2 * MINUTE)
    live(moved, "u", start=start + 2 * MINUTE)
    assert list_changes(moved, start) == [(State.UP, 0 * MINUTE)]
    assert add_up(moved, start=start, end=start + 3 * MINUTE) == count(up=3 * MINUTE)


def test_endpoint_that_is_paused_in_mid_run_is_known_as_long_as_its_last_look_holds(endpoint: Endpoint) -> None:
    start = find_first_slot(endpoint.group)
    live(endpoint, "u", start=start)
    taken = take(endpoint.group, start + MINUTE)
    Endpoint.objects.update(is_paused=True)
    record_one(taken, outcome(State.UP, at=start + MINUTE))
    tick(start + HOUR, node="scheduler-1")
    totals = add_up(endpoint, start=start, end=start + HOUR)
    assert totals == count(up=MINUTE + VALID, unknown=HOUR - MINUTE - VALID)


def test_endpoint_that_is_deleted_in_mid_run_keeps_what_was_until_it_is_pruned(endpoint: Endpoint) -> None:
    start = find_first_slot(endpoint.group)
    live(endpoint, "u", start=start)
    taken = take(endpoint.group, start + MINUTE)
    Endpoint.objects.update(deleted_at=start + MINUTE)
    record_one(taken, outcome(State.DOWN, at=start + MINUTE))
    assert list_changes(endpoint, start) == [(State.UP, 0 * MINUTE)]
    prune(start + HOUR, retention=timedelta(days=14), budget_seconds=10.0)
    assert list_changes(endpoint, start) == []
