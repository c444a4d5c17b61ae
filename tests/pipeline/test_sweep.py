from __future__ import annotations

from datetime import timedelta

import pytest

from healthcheck.engine.types import State
from healthcheck.models import CheckRun, EndpointGroup, EndpointState, Reason, RunStatus, Tick, Transition
from healthcheck.pipeline.execute import take_run
from healthcheck.pipeline.sweep import expire_evidence, mark_published, realign_clocks, sweep_runs
from tests.factories import NOW, make_endpoint, make_group, make_tick
from tests.pipeline.conftest import claim_one, outcome, record_one, take_one

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND = timedelta(seconds=1)


def status_of(run_id: int) -> tuple[int, int]:
    return CheckRun.objects.values_list("status", "reason").get(pk=run_id)


def test_sweep_publishes_again_what_nobody_took() -> None:
    run_id = claim_one(make_group())
    mark_published([run_id], NOW)
    assert sweep_runs(NOW + 4 * SECOND) == []
    assert sweep_runs(NOW + 5 * SECOND) == [run_id]


def test_sweep_publishes_within_a_second_what_no_broker_has_taken() -> None:
    run_id = claim_one(make_group())
    assert sweep_runs(NOW) == []
    assert sweep_runs(NOW + SECOND) == [run_id]
    mark_published([run_id], NOW + SECOND)
    assert sweep_runs(NOW + 2 * SECOND) == []


def test_sweep_publishes_less_often_as_a_run_grows_old() -> None:
    run_id = claim_one(make_group(interval_seconds=86_400))
    mark_published([run_id], NOW)
    published = []
    for second in range(1, 200):
        if sweep_runs(NOW + second * SECOND) == [run_id]:
            mark_published([run_id], NOW + second * SECOND)
            published.append(second)
    assert published == [5, 10, 20, 40, 80, 140]


def test_sweep_closes_a_slot_that_nobody_took_as_missed() -> None:
    run_id = claim_one(make_group())
    closes = CheckRun.objects.get().open_until
    assert sweep_runs(closes) == []
    assert status_of(run_id) == (RunStatus.MISSED, Reason.QUEUE)


def test_sweep_lets_a_lost_run_be_taken_once_more_while_its_slot_is_open() -> None:
    group = make_group(interval_seconds=3600, deadline_seconds=10)
    zombie = take_one(group)
    after_lease = NOW + 16 * SECOND
    assert sweep_runs(after_lease) == [zombie.run_id]
    second = take_run(zombie.run_id, after_lease)
    assert second is not None
    assert second.token == 2
    assert sweep_runs(after_lease + 16 * SECOND) == []
    assert status_of(zombie.run_id) == (RunStatus.ABANDONED, Reason.LEASE)


def test_sweep_abandons_a_lost_run_whose_slot_is_over() -> None:
    taken = take_one(make_group(interval_seconds=12, deadline_seconds=10))
    assert sweep_runs(NOW + timedelta(minutes=1)) == []
    assert status_of(taken.run_id) == (RunStatus.ABANDONED, Reason.LEASE)


def test_sweep_leaves_a_run_alone_whose_lease_holds() -> None:
    taken = take_one(make_group(deadline_seconds=10))
    assert sweep_runs(NOW + 14 * SECOND) == []
    assert status_of(taken.run_id) == (RunStatus.RUNNING, 0)


def test_expired_evidence_becomes_unknown_at_the_instant_it_expired() -> None:
    endpoint = make_endpoint()
    taken = take_one(endpoint.group)
    record_one(taken, outcome(State.UP))
    expires = taken.valid_until
    assert expire_evidence(expires - SECOND) == 0
    assert expire_evidence(expires + timedelta(hours=3)) == 1
    state, transition = EndpointState.objects.get(), Transition.objects.latest("id")
    assert (state.state, state.since) == (State.UNKNOWN, expires)
    assert (transition.from_state, transition.to_state, transition.at) == (State.UP, State.UNKNOWN, expires)


def test_expired_evidence_is_written_once() -> None:
    endpoint = make_endpoint()
    taken = take_one(endpoint.group)
    record_one(taken, outcome(State.UP))
    later = taken.valid_until + SECOND
    assert [expire_evidence(later), expire_evidence(later)] == [1, 0]


@pytest.mark.parametrize(("verdict", "state"), [(State.UP, State.UP), (State.DOWN, State.UNKNOWN)])
def test_run_after_expiry_ends_the_unknown_unless_it_contradicts_what_was_known(verdict: State, state: State) -> None:
    endpoint = make_endpoint(failure_threshold=3)
    record_one(take_one(endpoint.group), outcome(State.UP))
    later = NOW + timedelta(hours=1)
    expire_evidence(later)
    record_one(take_one(endpoint.group, at=later), outcome(verdict, at=later))
    assert EndpointState.objects.get().state == state


def test_realign_disbelieves_what_a_clock_wrote_before_it_was_set_back() -> None:
    endpoint = make_endpoint()
    future = NOW + timedelta(hours=1)
    record_one(take_one(endpoint.group, at=future), outcome(State.UP, at=future))
    make_tick(at=future, node="gone")
    make_tick(at=NOW, node="here")
    realign_clocks(NOW)
    expire_evidence(NOW)
    assert EndpointState.objects.get().state == State.UNKNOWN
    assert list(Tick.objects.values_list("node", flat=True)) == ["here"]


def test_sweep_closes_a_slot_whose_worker_was_lost_as_abandoned() -> None:
    taken = take_one(make_group(interval_seconds=3600, deadline_seconds=10))
    sweep_runs(NOW + 16 * SECOND)
    sweep_runs(NOW + timedelta(hours=2))
    assert status_of(taken.run_id) == (RunStatus.ABANDONED, Reason.LEASE)


def test_realign_brings_back_a_clock_far_ahead_and_leaves_others() -> None:
    ahead = make_group("ahead", next_run_at=NOW + timedelta(hours=1))
    right = make_group("right", next_run_at=NOW + timedelta(seconds=80))
    daily = make_group("daily", interval_seconds=None, cron="0 3 * * *", next_run_at=NOW + timedelta(hours=15))
    assert realign_clocks(NOW) == 1
    clocks = dict(EndpointGroup.objects.values_list("pk", "next_run_at"))
    assert clocks == {ahead.pk: NOW, right.pk: right.next_run_at, daily.pk: daily.next_run_at}
