"""Signals of one job that arrive together, and beside a slot of its group: none is lost, none is counted twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from healthcheck.engine.types import State
from healthcheck.models import CheckRun, Endpoint, EndpointState, Heartbeat, RunStatus, Signal, SignalKind, Trigger
from healthcheck.pipeline.judge import judge_targets
from healthcheck.pipeline.record import pair_findings, record_run
from healthcheck.pipeline.signals import MAX_SIGNALS, Call, take_signal
from tests.factories import NOW, make_heartbeat_endpoint, make_token
from tests.pipeline.conftest import take_one

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

THREADS = 8
SUCCESS, FAIL = SignalKind.SUCCESS, SignalKind.FAIL


def _act(action: Callable[[int], object], number: int) -> object:
    try:
        return action(number)
    finally:
        connection.close()


def race(action: Callable[[int], object], count: int) -> list[object]:
    """Do it so many times on eight threads; raises what any of them raised."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(lambda number: _act(action, number), range(count)))


def test_first_signals_that_arrive_together_are_all_counted() -> None:
    token = make_token(make_heartbeat_endpoint())
    race(lambda number: take_signal(token, Call(SUCCESS, run_name=str(number)), NOW), 40)
    assert (Signal.objects.count(), Heartbeat.objects.get().counted) == (40, 40)
    # The first one is news; one that came at the same instant may have seen what was there before it.
    runs = CheckRun.objects.filter(trigger=Trigger.SIGNAL)
    assert 1 <= runs.count() <= THREADS
    assert set(runs.values_list("status", flat=True)) == {RunStatus.FINISHED}


def test_no_more_than_the_limit_get_through_together() -> None:
    token = make_token(make_heartbeat_endpoint())
    receipts = race(lambda _: take_signal(token, Call(SignalKind.LOG), NOW), MAX_SIGNALS + 30)
    assert sum(receipt.retry_seconds == 0 for receipt in receipts) == MAX_SIGNALS  # type: ignore[attr-defined]


def test_jobs_of_one_group_do_not_wait_for_each_other_for_ever() -> None:
    first = make_heartbeat_endpoint(failure_threshold=1)
    others = [make_heartbeat_endpoint(first.group, f"job {number}", failure_threshold=1) for number in range(3)]
    tokens = [make_token(endpoint) for endpoint in (first, *others)]

    def report(number: int) -> None:
        kind = FAIL if number // len(tokens) % 2 else SUCCESS
        take_signal(tokens[number % len(tokens)], Call(kind), NOW + timedelta(seconds=number))

    race(report, 40)
    assert Signal.objects.count() == 40
    assert not CheckRun.objects.exclude(status=RunStatus.FINISHED).exists()


def test_a_slot_beside_signals_ends_in_what_was_said_last() -> None:
    endpoint = make_heartbeat_endpoint(failure_threshold=1)
    token = make_token(endpoint)
    take_signal(token, Call(SUCCESS), NOW - timedelta(hours=3))
    taken = take_one(endpoint.group)

    def act(number: int) -> None:
        if number == 3:
            outcomes = list(judge_targets(taken.targets, taken.facts, taken.started_at).values())
            record_run(taken, pair_findings(taken, outcomes, NOW), now=NOW + timedelta(seconds=9), wall_us=1)
        else:
            take_signal(token, Call(SUCCESS), NOW + timedelta(seconds=1 + number))

    race(act, THREADS)
    assert State(EndpointState.objects.get(endpoint=Endpoint.objects.get()).state) is State.UP
