from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import CheckResult, CheckRun, EndpointState, Evidence, RunStatus
from healthcheck.pipeline.dispatch import claim_due_groups
from healthcheck.pipeline.judge import judge_targets, load_facts, merge_outcomes
from healthcheck.pipeline.perform import Performer
from tests.factories import NOW, make_endpoint, make_group
from tests.pipeline.conftest import outcome, take_one
from tests.scripted_judge import KIND, register

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

JUDGED_COLUMNS = {"kind": KIND, "address": ""}


@pytest.fixture(autouse=True)
def oracle(monkeypatch: pytest.MonkeyPatch, settings: object) -> None:
    """One more kind, and loopback may be checked."""
    register(monkeypatch)
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "CONTROL_NAME": ""}  # type: ignore[attr-defined]


def test_a_run_mixes_what_is_judged_with_what_is_probed() -> None:
    group = make_group(name="DEGRADED")
    endpoints = [
        make_endpoint(group, "first", position=1, **JUDGED_COLUMNS),
        make_endpoint(group, "second", position=2, address="http://127.0.0.1:9/"),
        make_endpoint(group, "third", position=3, **JUDGED_COLUMNS),
    ]
    told: dict[int, State] = {}
    [run_id] = claim_due_groups(group.next_run_at + timedelta(seconds=1))
    Performer().perform(run_id, lambda endpoint_id, seen: told.update({endpoint_id: seen.verdict}))
    degraded, down = State.DEGRADED, State.DOWN
    assert [told[each.pk] for each in endpoints] == [degraded, down, degraded]
    stored = {each.endpoint_id: (each.verdict, each.error_kind) for each in CheckResult.objects.all()}
    assert stored == {
        endpoints[0].pk: (degraded, ErrorKind.ASSERTION),
        endpoints[1].pk: (down, ErrorKind.REFUSED),
        endpoints[2].pk: (degraded, ErrorKind.ASSERTION),
    }
    run = CheckRun.objects.get()
    assert (run.status, run.degraded_count, run.down_count) == (RunStatus.FINISHED, 2, 1)
    assert set(EndpointState.objects.values_list("endpoint_id", "last_verdict")) == {
        (each.pk, told[each.pk]) for each in endpoints
    }
    assert Evidence.objects.get(endpoint_id=endpoints[2].pk).facts == {"sentence": "It is said so.", "found": "a sign"}


def test_a_run_of_nothing_that_is_probed_is_recorded() -> None:
    group = make_group(name="UP")
    make_endpoint(group, **JUDGED_COLUMNS)
    [run_id] = claim_due_groups(group.next_run_at + timedelta(seconds=1))
    Performer().perform(run_id)
    assert CheckRun.objects.values_list("status", "up_count").get() == (RunStatus.FINISHED, 1)


def test_a_defect_of_a_judge_is_no_data_of_its_endpoint_alone(caplog: pytest.LogCaptureFixture) -> None:
    group = make_group(name="Silent")
    make_endpoint(group, "a", **JUDGED_COLUMNS)
    taken = take_one(group)
    [seen] = judge_targets(taken.targets, taken.facts, NOW).values()
    assert (seen.verdict, seen.error_kind) == (State.UNKNOWN, ErrorKind.INTERNAL)
    assert "failed inside the checker: TypeError" in caplog.text


def test_facts_of_a_kind_come_in_as_many_queries_for_one_as_for_three() -> None:
    counts = []
    for number, size in enumerate((1, 3)):
        group = make_group(f"g{number}", name="UP")
        for each in range(size):
            make_endpoint(group, f"e{each}", **JUDGED_COLUMNS)
        targets = take_one(group).targets
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(load_facts(targets, 1, NOW)) == size
        counts.append(len(queries))
    assert counts == [1, 1]


def test_a_run_without_such_a_kind_costs_no_query_more() -> None:
    group = make_group()
    make_endpoint(group)
    targets = take_one(group).targets
    with CaptureQueriesContext(connection) as queries:
        assert load_facts(targets, 1, NOW) == {}
    assert len(queries) == 0


def test_merged_outcomes_stand_in_the_order_of_the_targets() -> None:
    up, down, degraded = (outcome(state) for state in (State.UP, State.DOWN, State.DEGRADED))
    assert merge_outcomes({1: down}, [up, degraded]) == [up, down, degraded]
    assert merge_outcomes({0: down, 2: up}, [degraded]) == [down, degraded, up]
    assert merge_outcomes({}, []) == []


def test_an_endpoint_of_such_a_kind_that_names_an_address_is_unreadable() -> None:
    group = make_group(name="UP")
    bad = make_endpoint(group, kind=KIND, address="example.com")
    taken = take_one(group)
    assert (taken.targets, taken.unreadable) == ((), (bad.pk,))
