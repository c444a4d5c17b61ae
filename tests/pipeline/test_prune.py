"""The pruner: what is old or deleted goes with everything that hangs on it, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from healthcheck.definitions.drafts import DefinitionError
from healthcheck.definitions.reverting import revert
from healthcheck.definitions.versions import Change, recorded
from healthcheck.models import (
    Assertion,
    CheckResult,
    CheckRun,
    Correction,
    Endpoint,
    EndpointGroup,
    EndpointState,
    Evidence,
    MaintenanceSpan,
    Reason,
    Resolution,
    Rollup,
    RollupMark,
    RollupProgress,
    RunStatus,
    StatusPage,
    Tick,
    Transition,
    Trigger,
    UptimeStrip,
    Version,
)
from healthcheck.pipeline.marks import find_hour
from healthcheck.pipeline.prune import DELETED_GRACE, Pruned, prune
from tests.factories import (
    NOW,
    make_assertion,
    make_correction,
    make_endpoint,
    make_evidence,
    make_group,
    make_incident,
    make_location,
    make_page,
    make_progress,
    make_result,
    make_run,
    make_state,
    make_tick,
    make_transition,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
RETENTION = 14 * DAY
CUTOFF = NOW - RETENTION
LONG_DELETED = NOW - DELETED_GRACE - SECOND
EVERYTHING: list[type[Model]] = [
    EndpointGroup, Endpoint, Assertion, EndpointState, Transition, CheckRun, CheckResult, Evidence,
    Rollup, UptimeStrip, RollupMark, MaintenanceSpan, RollupProgress,
]  # fmt: skip


def run_prune(*, budget_seconds: float = 60, batch: int = 2000) -> Pruned:
    """Prune, all hours being rolled up."""
    for group in EndpointGroup.objects.all():
        make_progress(group)
    return prune(NOW, retention=RETENTION, budget_seconds=budget_seconds, batch=batch)


def count_rows() -> list[int]:
    return [model._default_manager.count() for model in EVERYTHING]


def make_history(endpoint: Endpoint, *instants: datetime) -> list[int]:
    """Store a run with a result and its evidence at each instant."""
    runs = [make_run(endpoint.group, at=at) for at in instants]
    for run in runs:
        make_result(run, endpoint)
        make_evidence(run, endpoint)
    return [run.pk for run in runs]


def make_full_group(slug: str) -> Endpoint:
    """Store a group with a row in every table."""
    endpoint = make_endpoint(make_group(slug))
    make_assertion(endpoint)
    make_state(endpoint)
    make_transition(endpoint)
    make_rollups(endpoint)
    make_history(endpoint, NOW - DAY, NOW)
    return endpoint


def make_rollups(endpoint: Endpoint) -> None:
    """Store a row in every table of what is rolled up."""
    key = {"endpoint_id": endpoint.pk, "location_id": make_location().pk}
    for resolution in Resolution:
        Rollup.objects.create(**key, resolution=resolution, number=find_hour(NOW))
        UptimeStrip.objects.create(**key, resolution=resolution, last=1, packed="")
    RollupMark.objects.create(**key, hour=find_hour(NOW))
    MaintenanceSpan.objects.create(endpoint_id=endpoint.pk, window_id=1, starts_at=NOW, ends_at=NOW)
    make_progress(endpoint.group)


def read_run_ids(model: type[Model]) -> list[int]:
    column = "pk" if model is CheckRun else "run_id"
    return sorted(model._default_manager.values_list(column, flat=True))


def test_prune_removes_what_is_older_than_the_retention() -> None:
    old, exact, young = make_history(make_endpoint(), CUTOFF - SECOND, CUTOFF, NOW)
    assert run_prune() == Pruned(results=1, runs=1)
    for model in (CheckRun, CheckResult, Evidence):
        assert read_run_ids(model) == [exact, young]
    assert old not in (exact, young)


def test_prune_of_groups_goes_by_their_own_runs() -> None:
    quiet, busy = make_endpoint(make_group("quiet")), make_endpoint(make_group("busy"))
    make_history(quiet, CUTOFF - DAY, CUTOFF - SECOND)
    make_history(busy, CUTOFF - DAY)
    kept = make_history(busy, NOW)
    assert run_prune() == Pruned(results=3, runs=3)
    assert read_run_ids(CheckResult) == kept


def test_prune_takes_what_was_deleted_out_of_its_incidents() -> None:
    gone, kept = make_endpoint(make_group("gone")), make_endpoint(make_group("kept"))
    incident = make_incident(gone, kept)
    Endpoint.objects.filter(pk=gone.pk).update(deleted_at=LONG_DELETED)
    run_prune()
    assert list(incident.members.values_list("endpoint_id", flat=True)) == [kept.pk]


def test_prune_keeps_states_and_transitions_of_any_age() -> None:
    endpoint = make_endpoint()
    make_state(endpoint, since=NOW - 900 * DAY)
    make_transition(endpoint, at=NOW - 900 * DAY)
    make_history(endpoint, CUTOFF - DAY)
    run_prune()
    assert (EndpointState.objects.count(), Transition.objects.count()) == (1, 1)


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.RUNNING])
def test_prune_keeps_an_unfinished_run_however_old(status: RunStatus) -> None:
    run = make_run(make_group(), at=CUTOFF - DAY, status=status)
    assert run_prune() == Pruned()
    assert CheckRun.objects.get() == run


@pytest.mark.parametrize("status", [RunStatus.MISSED, RunStatus.ABANDONED])
def test_prune_removes_old_runs_that_never_finished(status: RunStatus) -> None:
    make_run(make_group(), at=CUTOFF - DAY, status=status)
    assert run_prune() == Pruned(runs=1)


def make_gap(group: EndpointGroup, start: datetime, until: datetime) -> CheckRun:
    return make_run(group, at=start, status=RunStatus.MISSED, reason=Reason.SCHEDULER, gap_until=until, slot_count=9)


def test_prune_keeps_a_gap_that_began_long_ago_and_ended_lately() -> None:
    endpoint = make_endpoint()
    make_history(endpoint, CUTOFF - 2 * DAY)
    gap = make_gap(endpoint.group, CUTOFF - DAY, CUTOFF)
    assert run_prune() == Pruned(results=1, runs=1)
    assert read_run_ids(CheckRun) == [gap.pk]


def test_prune_keeps_results_that_a_person_asked_for_inside_a_gap() -> None:
    endpoint = make_endpoint()
    manual = make_run(endpoint.group, at=CUTOFF, trigger=Trigger.MANUAL)
    make_result(manual, endpoint)
    gap = make_gap(endpoint.group, CUTOFF - DAY, NOW)
    assert run_prune() == Pruned()
    assert read_run_ids(CheckRun) == [manual.pk, gap.pk]
    assert read_run_ids(CheckResult) == [manual.pk]


def test_prune_removes_a_gap_that_ended_long_ago() -> None:
    make_gap(make_group(), CUTOFF - 2 * DAY, CUTOFF - DAY)
    assert run_prune() == Pruned(runs=1)


@pytest.mark.parametrize("what", [EndpointGroup, Endpoint])
def test_prune_removes_what_was_deleted_with_all_its_rows_and_nothing_else(what: type[Model]) -> None:
    make_full_group("kept")
    kept = count_rows()
    gone = make_full_group("gone")
    make_page().groups.add(gone.group)
    what._default_manager.filter(pk=gone.group_id if what is EndpointGroup else gone.pk).update(deleted_at=LONG_DELETED)
    pruned = run_prune()
    if what is EndpointGroup:
        assert pruned == Pruned(results=2, runs=2, endpoints=1, groups=1)
        assert count_rows() == kept
        assert StatusPage.objects.get().groups.count() == 0
    else:
        assert pruned == Pruned(results=2, endpoints=1)
        # The group stays, and its runs with it.
        assert count_rows() == [kept[0] + 1, *kept[1:5], kept[5] + 2, *kept[6:-1], kept[-1] + 1]


def test_prune_removes_corrections_with_their_endpoint_and_never_before() -> None:
    kept, gone = make_full_group("kept"), make_full_group("gone")
    for endpoint in (kept, gone):
        make_correction(endpoint, start=NOW - 900 * DAY, end=NOW - 899 * DAY)
    run_prune()
    assert Correction.objects.count() == 2
    Endpoint.objects.filter(pk=gone.pk).update(deleted_at=LONG_DELETED)
    run_prune()
    assert [each.endpoint_id for each in Correction.objects.all()] == [kept.pk]


def test_prune_leaves_what_was_just_deleted_to_the_runs_that_may_still_be_storing() -> None:
    endpoint, group = make_full_group("endpoint"), make_full_group("group").group
    Endpoint.objects.filter(pk=endpoint.pk).update(deleted_at=NOW - DELETED_GRACE)
    EndpointGroup.objects.filter(pk=group.pk).update(deleted_at=NOW - DELETED_GRACE)
    before = count_rows()
    assert run_prune() == Pruned()
    assert count_rows() == before


def test_prune_without_time_removes_nothing_and_says_that_it_is_incomplete() -> None:
    endpoint, group = make_full_group("endpoint"), make_full_group("group").group
    make_history(endpoint, CUTOFF - DAY)
    Endpoint.objects.filter(pk=endpoint.pk).update(deleted_at=LONG_DELETED)
    EndpointGroup.objects.filter(pk=group.pk).update(deleted_at=LONG_DELETED)
    before = count_rows()
    assert run_prune(budget_seconds=0) == Pruned(is_complete=False)
    assert count_rows() == before


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 100])
def test_prune_in_batches_of_any_size_removes_the_same(batch: int) -> None:
    group = make_group()
    first, second = make_endpoint(group, "first"), make_endpoint(group, "second")
    for number in range(5):
        run = make_run(group, at=CUTOFF - DAY + number * SECOND)
        make_result(run, first)
        make_result(run, second)
    kept = make_history(first, NOW)
    assert run_prune(batch=batch) == Pruned(results=10, runs=5)
    assert read_run_ids(CheckRun) == read_run_ids(CheckResult) == kept


def test_prune_never_removes_more_than_a_batch_in_a_statement() -> None:
    make_history(make_endpoint(), *(CUTOFF - DAY + number * SECOND for number in range(7)))
    with CaptureQueriesContext(connection) as queries:
        run_prune(batch=3)
    statements = [query["sql"] for query in queries if query["sql"].startswith("DELETE")]
    tables = [model._meta.db_table for model in (Evidence, CheckResult, CheckRun)]
    assert [sum(table in sql for sql in statements) for table in tables] == [3, 3, 3]


@pytest.mark.parametrize("members", [1, 3, 7])
def test_prune_takes_run_by_run_and_never_more_than_a_batch(members: int) -> None:
    group = make_group()
    endpoints = [make_endpoint(group, f"member-{number}") for number in range(members)]
    for number in range(4):
        run = make_run(group, at=CUTOFF - DAY + number * SECOND)
        for endpoint in endpoints:
            make_result(run, endpoint)
    left = []

    def note(execute: Any, sql: str, *args: Any) -> Any:
        answer = execute(sql, *args)
        if sql.startswith("DELETE") and CheckResult._meta.db_table in sql:
            left.append(CheckResult.objects.count())
        return answer

    with connection.execute_wrapper(note):
        assert run_prune(batch=3) == Pruned(results=4 * members, runs=4)
    steps = [before - after for before, after in zip([4 * members, *left], left, strict=False)]
    # Runs of one that are taken three at a time, runs of three one by one, and runs of seven in three parts.
    assert steps == {1: [3, 1], 3: [3, 3, 3, 3], 7: [3, 3, 1] * 4}[members]


def test_prune_takes_what_an_endpoint_brought_from_another_group() -> None:
    left, joined = make_group("left"), make_group("joined")
    endpoint, stayed = make_endpoint(left, "moves"), make_endpoint(left, "stays")
    run = make_run(left, at=CUTOFF - DAY)
    for each in (endpoint, stayed):
        make_result(run, each)
        make_evidence(run, each)
    Endpoint.objects.filter(pk=endpoint.pk).update(group=joined)
    EndpointGroup.objects.filter(pk=left.pk).update(retention_days=100)
    endpoint.refresh_from_db()
    make_history(endpoint, CUTOFF - SECOND)
    (young,) = make_history(endpoint, NOW)
    assert run_prune().results == 2
    assert sorted(CheckResult.objects.values_list("endpoint_id", "run_id")) == [
        (endpoint.pk, young),
        (stayed.pk, run.pk),
    ]
    assert sorted(Evidence.objects.values_list("endpoint_id", "run_id")) == [(endpoint.pk, young), (stayed.pk, run.pk)]


@pytest.mark.parametrize("young", [1, 30])
def test_prune_asks_the_same_of_a_young_history_of_any_length(young: int) -> None:
    make_history(make_endpoint(), *(NOW - number * SECOND for number in reversed(range(young))))
    run_prune()
    with CaptureQueriesContext(connection) as queries:
        prune(NOW, retention=RETENTION, budget_seconds=60)
    # What is rolled up and what is marked, how long hours are kept and the old ones, groups, the first run needed, its
    # old runs, deleted endpoints and groups, old ticks, old pulses, old files,
    # old signals and old tokens of heartbeats, four of what the outbox has done with, old deploys and their calls.
    assert len([query for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]) == 20


def test_prune_forgets_schedulers_that_are_gone() -> None:
    make_tick(node="gone", at=NOW - DAY - SECOND)
    make_tick(node="here", at=NOW - DAY)
    run_prune()
    assert list(Tick.objects.values_list("node", flat=True)) == ["here"]


def test_prune_twice_finds_nothing_more() -> None:
    make_history(make_endpoint(), CUTOFF - DAY, NOW)
    run_prune()
    assert run_prune() == Pruned()


def prune_while(begins: str, names: str, act: Callable[[], object]) -> Pruned:
    """Prune, and act once right after the first statement that begins so and names this."""
    is_done = False

    def interleave(execute: Any, sql: str, *args: Any) -> Any:
        nonlocal is_done
        answer = execute(sql, *args)
        if not is_done and sql.startswith(begins) and names in sql:
            is_done = True
            act()
        return answer

    with connection.execute_wrapper(interleave):
        pruned = run_prune()
    assert is_done
    return pruned


@pytest.mark.parametrize("model", [Endpoint, EndpointGroup])
def test_prune_leaves_what_is_restored_after_it_was_chosen(model: type[Model]) -> None:
    endpoint = make_full_group("gone")
    if model is EndpointGroup:
        Assertion.objects.all().delete()
        endpoint.delete()
    model._default_manager.update(deleted_at=LONG_DELETED)
    before = count_rows()
    restore = lambda: model._default_manager.update(deleted_at=None)  # noqa: E731
    pruned = prune_while("SELECT", f'"{model._meta.db_table}"."deleted_at" <', restore)
    assert (pruned, count_rows()) == (Pruned(), before)


def test_prune_keeps_an_endpoint_that_is_restored_while_its_results_go() -> None:
    make_full_group("gone")
    Endpoint.objects.update(deleted_at=LONG_DELETED)
    restore = lambda: Endpoint.objects.update(deleted_at=None)  # noqa: E731
    assert prune_while("DELETE", CheckResult._meta.db_table, restore) == Pruned(results=2)
    assert (Endpoint.objects.count(), Transition.objects.count()) == (1, 1)


@pytest.mark.parametrize("model", [Endpoint, EndpointGroup])
def test_nobody_restores_what_the_pruner_is_removing(model: type[Model]) -> None:
    obj = make_full_group("gone") if model is Endpoint else make_full_group("gone").group
    with recorded(model, [obj.pk], Change(NOW)):
        model._default_manager.update(position=7)
    version = Version.objects.get(number=1)
    model._default_manager.update(deleted_at=LONG_DELETED)

    def restore() -> None:
        with pytest.raises(DefinitionError, match="deleted more than 15 minutes ago and is being removed"):
            revert(model, version, Change(NOW), may_use_credentials=True)

    prune_while("DELETE", CheckResult._meta.db_table, restore)
    assert not model._default_manager.exists()


def test_what_was_deleted_within_the_grace_is_restored() -> None:
    endpoint = make_full_group("gone")
    with recorded(Endpoint, [endpoint.pk], Change(NOW)):
        Endpoint.objects.update(position=7)
    Endpoint.objects.update(deleted_at=NOW - DELETED_GRACE)
    revert(Endpoint, Version.objects.get(number=1), Change(NOW), may_use_credentials=True)
    assert run_prune() == Pruned()
    assert Endpoint.objects.get().deleted_at is None
