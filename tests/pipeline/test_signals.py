"""Signals of jobs: stored, counted, bounded, and recorded where they change what was last said."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import (
    CheckResult,
    CheckRun,
    Endpoint,
    EndpointState,
    Evidence,
    Heartbeat,
    Reason,
    RunStatus,
    Signal,
    SignalKind,
    Transition,
    Trigger,
)
from healthcheck.models.heartbeat import KEPT_SIGNALS, MAX_BODY_LENGTH
from healthcheck.pipeline.judge import judge_targets
from healthcheck.pipeline.record import Recorded, pair_findings, record_run
from healthcheck.pipeline.signals import MAX_OPEN_RUNS, MAX_SIGNALS, Call, Receipt, take_signal
from tests.factories import NOW, make_endpoint, make_heartbeat_endpoint, make_run, make_token
from tests.pipeline.conftest import take_one

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
START, SUCCESS, FAIL, LOG = SignalKind.START, SignalKind.SUCCESS, SignalKind.FAIL, SignalKind.LOG
TAKEN, UNKNOWN = Receipt(is_known=True), Receipt(is_known=False)


@pytest.fixture
def endpoint() -> Endpoint:
    return make_heartbeat_endpoint(failure_threshold=1)


@pytest.fixture
def token(endpoint: Endpoint) -> str:
    return make_token(endpoint)


def say(token: str, kind: SignalKind = SUCCESS, at: datetime = NOW, **told: Any) -> Receipt:
    return take_signal(token, Call(kind, **told), at)


def run_slot(endpoint: Endpoint, at: datetime) -> Recorded | None:
    taken = take_one(endpoint.group, at=at)
    outcomes = judge_targets(taken.targets, taken.facts, at)
    return record_run(taken, pair_findings(taken, list(outcomes.values()), at), now=at, wall_us=1)


def state_of(endpoint: Endpoint) -> State:
    return State(EndpointState.objects.get(endpoint=endpoint).state)


def test_a_signal_is_stored_with_all_that_was_said(endpoint: Endpoint, token: str) -> None:
    told: dict[str, Any] = {"exit_code": 3, "run_name": "r-1", "body": "a\0b" + "c" * 9999, "address": "192.0.2.7"}
    assert say(token, FAIL, **told) == TAKEN
    [row] = Signal.objects.values()
    assert row == {
        "id": row["id"],
        "endpoint_id": endpoint.pk,
        "kind": FAIL,
        "at": NOW,
        "exit_code": 3,
        "duration_ms": None,
        "run_name": "r-1",
        "body": "a�b" + "c" * (MAX_BODY_LENGTH - 4) + "…",
        "address": "192.0.2.7",
    }


def test_a_first_success_is_up_at_once(endpoint: Endpoint, token: str) -> None:
    say(token)
    run = CheckRun.objects.get()
    assert (run.trigger, run.status, run.up_count, run.down_count) == (Trigger.SIGNAL, RunStatus.FINISHED, 1, 0)
    assert (state_of(endpoint), Transition.objects.count()) == (State.UP, 1)
    state = EndpointState.objects.get()
    # As good as the evidence of a slot: until the one after the next may have come.
    assert state.valid_until is not None
    assert state.valid_until > NOW + MINUTE


def test_a_failure_is_down_at_once_and_a_success_ends_it(endpoint: Endpoint, token: str) -> None:
    say(token)
    say(token, FAIL, NOW + MINUTE, exit_code=2, body="no space left")
    assert state_of(endpoint) is State.DOWN
    assert Evidence.objects.get().facts == {
        "sentence": "It reported a failure.",
        "expected": "success",
        "found": "exit code 2",
        "excerpt": "no space left",
    }
    say(token, SUCCESS, NOW + 2 * MINUTE)
    assert state_of(endpoint) is State.UP
    assert list(Transition.objects.order_by("at").values_list("to_state", "error_kind")) == [
        (State.UP, 0),
        (State.DOWN, ErrorKind.FAILED),
        (State.UP, 0),
    ]


def test_a_run_is_timed_from_its_start_to_its_end(endpoint: Endpoint, token: str) -> None:
    say(token, START)
    say(token, SUCCESS, NOW + timedelta(milliseconds=1500))
    assert list(Signal.objects.order_by("id").values_list("kind", "duration_ms")) == [(START, None), (SUCCESS, 1500)]
    assert CheckResult.objects.get().latency_us == 1_500_000


def test_runs_that_overlap_are_told_apart_by_their_names(token: str) -> None:
    say(token, START, run_name="a")
    say(token, START, NOW + MINUTE, run_name="b")
    say(token, SUCCESS, NOW + 2 * MINUTE, run_name="a")
    say(token, SUCCESS, NOW + 5 * MINUTE, run_name="b")
    durations = Signal.objects.filter(kind=SUCCESS).order_by("id").values_list("duration_ms", flat=True)
    assert (list(durations), Heartbeat.objects.get().open_runs) == ([120_000, 240_000], {})


def test_runs_that_never_end_do_not_pile_up(token: str) -> None:
    for number in range(MAX_OPEN_RUNS + 5):
        say(token, START, NOW + number * SECOND, run_name=f"r-{number}")
    open_runs = Heartbeat.objects.get().open_runs
    assert (len(open_runs), "r-4" in open_runs, "r-5" in open_runs) == (MAX_OPEN_RUNS, False, True)


def test_a_run_that_begins_again_and_again_is_overdue_since_the_first_time(token: str) -> None:
    Endpoint.objects.update(options={"max_run_seconds": 60})
    say(token, SUCCESS)
    say(token, START, NOW + SECOND)
    say(token, START, NOW + 2 * MINUTE)
    assert list(EndpointState.objects.values_list("state", "last_error_kind")) == [(State.DOWN, ErrorKind.MISSED)]
    say(token, SUCCESS, NOW + 3 * MINUTE)
    assert Heartbeat.objects.get().duration_ms == 60_000
    assert EndpointState.objects.get().state == State.UP


def test_silence_is_found_at_the_next_slot(endpoint: Endpoint, token: str) -> None:
    say(token)
    run_slot(endpoint, NOW + 69 * MINUTE)
    assert state_of(endpoint) is State.UP
    run_slot(endpoint, NOW + 71 * MINUTE)
    assert state_of(endpoint) is State.DOWN
    assert Evidence.objects.get().facts["expected"] == "a signal by 2026-07-01 13:10:00+00:00"


def test_what_never_reported_is_unknown(endpoint: Endpoint) -> None:
    run_slot(endpoint, NOW)
    assert list(EndpointState.objects.values_list("state", "last_error_kind")) == [(State.UNKNOWN, ErrorKind.SILENT)]


def test_silence_while_no_scheduler_ran_is_not_held_against_the_job(endpoint: Endpoint, token: str) -> None:
    say(token)
    gap = {"status": RunStatus.MISSED, "reason": Reason.SCHEDULER, "gap_until": NOW + 80 * MINUTE}
    make_run(endpoint.group, at=NOW + 30 * MINUTE, **gap)
    run_slot(endpoint, NOW + 81 * MINUTE)
    state = EndpointState.objects.get()
    assert (state.last_verdict, state.last_error_kind) == (State.UNKNOWN, ErrorKind.AWAY)
    run_slot(endpoint, NOW + 151 * MINUTE)
    assert EndpointState.objects.get().last_error_kind == ErrorKind.MISSED


def test_a_slot_that_read_before_a_signal_does_not_undo_it(endpoint: Endpoint, token: str) -> None:
    say(token)
    taken = take_one(endpoint.group, at=NOW + 2 * HOUR)
    say(token, SUCCESS, NOW + 2 * HOUR + SECOND)
    outcomes = list(judge_targets(taken.targets, taken.facts, taken.started_at).values())
    assert [outcome.verdict for outcome in outcomes] == [State.DOWN]
    record_run(taken, pair_findings(taken, outcomes, NOW), now=NOW + 2 * HOUR + 2 * SECOND, wall_us=1)
    assert state_of(endpoint) is State.UP


@pytest.mark.parametrize("kind", [SUCCESS, FAIL])
def test_a_thousand_replays_change_nothing_more(endpoint: Endpoint, token: str, kind: SignalKind) -> None:
    Endpoint.objects.update(failure_threshold=3)
    say(token)
    receipts = [say(token, kind, NOW + SECOND + number * timedelta(milliseconds=1)) for number in range(1000)]
    assert receipts.count(TAKEN) == MAX_SIGNALS - 1
    assert {receipt.retry_seconds for receipt in receipts} == {0, 58, 59}
    assert (Signal.objects.count(), CheckRun.objects.count()) == (KEPT_SIGNALS, 1 if kind == SUCCESS else 2)
    # A failure that is repeated is one failure: three slots in a row would have to see it.
    assert state_of(endpoint) is State.UP


def test_the_next_minute_is_free_again(token: str) -> None:
    for _ in range(MAX_SIGNALS):
        say(token)
    assert [say(token, at=NOW + timedelta(seconds=age)).retry_seconds for age in (0, 59, 60)] == [60, 1, 0]
    # A clock that was set back must not lock anybody out.
    assert say(token, at=NOW - HOUR) == TAKEN


def test_a_note_is_kept_and_says_nothing(endpoint: Endpoint, token: str) -> None:
    say(token, LOG, body="halfway")
    assert (Signal.objects.get().body, CheckRun.objects.count()) == ("halfway", 0)
    run_slot(endpoint, NOW + MINUTE)
    assert EndpointState.objects.get().last_error_kind == ErrorKind.SILENT


@pytest.mark.parametrize("columns", [{"deleted_at": NOW}, {"kind": "http"}])
def test_a_token_ends_with_its_heartbeat(endpoint: Endpoint, token: str, columns: dict[str, Any]) -> None:
    Endpoint.objects.update(**columns)
    assert say(token) == UNKNOWN
    assert Signal.objects.count() == 0


def test_both_tokens_are_heard_until_the_first_one_retires(endpoint: Endpoint) -> None:
    old, new = make_token(endpoint, retires_at=NOW + MINUTE), make_token(endpoint)
    assert [say(each) for each in (old, new)] == [TAKEN, TAKEN]
    assert [say(each, at=NOW + MINUTE) for each in (old, new)] == [UNKNOWN, TAKEN]


@pytest.mark.parametrize("wrong", ["", "x", "A" * 22, "A" * 5000, "\0", "é" * 22, "a/b", "%00"])
def test_every_wrong_token_costs_one_query_and_no_row(token: str, wrong: str) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert say(wrong) == UNKNOWN
    assert (len(queries), Heartbeat.objects.count()) == (1, 0)


def test_what_is_paused_is_heard_and_not_recorded(endpoint: Endpoint, token: str) -> None:
    Endpoint.objects.update(is_paused=True)
    assert (say(token), CheckRun.objects.count(), Signal.objects.count()) == (TAKEN, 0, 1)
    Endpoint.objects.update(is_paused=False)
    run_slot(endpoint, NOW + MINUTE)
    assert state_of(endpoint) is State.UP


def test_neighbours_of_the_group_are_left_alone(endpoint: Endpoint, token: str) -> None:
    neighbour = make_endpoint(endpoint.group, "neighbour")
    say(token)
    say(token, FAIL, NOW + MINUTE)
    assert not CheckResult.objects.filter(endpoint_id=neighbour.pk).exists()
    assert EndpointState.objects.filter(endpoint=neighbour, last_run_id__gt=0).count() == 0


def test_facts_of_a_group_are_loaded_in_three_queries(endpoint: Endpoint, token: str) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            taken = take_one(endpoint.group, at=NOW + HOUR * len(names))
        CheckRun.objects.filter(pk=taken.run_id).update(status=RunStatus.FINISHED)
        return len(queries)

    names = ["job"]
    say(token)
    alone = count()
    for names in (["job", "b"], ["job", "b", "c"]):
        make_heartbeat_endpoint(endpoint.group, names[-1])
    assert count() == alone


def test_token_is_nowhere_in_the_rows(token: str) -> None:
    say(token, FAIL, body="said")
    with connection.cursor() as cursor:
        cursor.execute("SELECT digest FROM healthcheck_heartbeattoken")
        [(digest,)] = cursor.fetchall()
    assert (len(digest), token in digest) == (64, False)
