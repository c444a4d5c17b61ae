from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from healthcheck.engine.types import (
    AssertionOutcome,
    Certificate,
    ErrorKind,
    Evidence,
    Outcome,
    Phase,
    PhaseTimes,
    State,
    SubResult,
)
from healthcheck.models import (
    CheckResult,
    CheckRun,
    Endpoint,
    EndpointGroup,
    EndpointState,
    RunStatus,
    Transition,
)
from healthcheck.models import Evidence as EvidenceRow
from healthcheck.models.result import Judgement
from healthcheck.pipeline.sweep import sweep_runs
from tests.factories import NOW, make_endpoint, make_group
from tests.pipeline.conftest import outcome, record_one, take_one

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND = timedelta(seconds=1)
UP, DOWN, UNKNOWN = State.UP, State.DOWN, State.UNKNOWN


def find_first_slot(endpoint: Endpoint) -> datetime:
    """Return a slot on the phase of the group, which depends on the group's id."""
    return endpoint.group.schedule.plan(NOW, NOW, deadline=endpoint.group.deadline).next_run_at


def test_record_stores_every_column_of_a_result() -> None:
    endpoint = make_endpoint()
    taken = take_one(endpoint.group)
    seen = Outcome(
        DOWN,
        NOW,
        error_kind=ErrorKind.TIMEOUT,
        phase=Phase.BODY,
        latency_us=2**40,
        phases=PhaseTimes(1, 2, 3, 4, 5),
        http_status=200,
        attempts=2,
    )
    record_one(taken, seen)
    assert CheckResult.objects.values().get() == {
        "run_id": taken.run_id,
        "endpoint_id": endpoint.pk,
        "latency_us": 2**31 - 1,
        "resolve_us": 1,
        "connect_us": 2,
        "tls_us": 3,
        "headers_us": 4,
        "body_us": 5,
        "judgement": Judgement(State.DOWN, ErrorKind.TIMEOUT, Phase.BODY, 2).pack(),
        "http_status": 200,
    }


def test_record_closes_the_run_with_its_counts() -> None:
    group = make_group()
    for name in "abcd":
        make_endpoint(group, name)
    taken = take_one(group)
    recorded = record_one(taken, *(outcome(state) for state in (UP, State.DEGRADED, DOWN, UNKNOWN)))
    run = CheckRun.objects.get()
    counts = (run.up_count, run.degraded_count, run.down_count, run.unknown_count)
    assert (run.status, counts, run.wall_us, run.work_us) == (RunStatus.FINISHED, (1, 1, 1, 1), 2000, 6000)
    assert recorded is not None
    assert recorded.work_us == 6000


def test_record_writes_the_first_verdict_as_state_and_transition() -> None:
    endpoint = make_endpoint()
    taken = take_one(endpoint.group)
    record_one(taken, outcome(DOWN))
    state = EndpointState.objects.get()
    assert (state.state, state.since, state.strip, state.last_error_kind) == (DOWN, NOW, "3", ErrorKind.STATUS)
    assert state.valid_until == taken.valid_until
    transition = Transition.objects.get()
    assert (transition.endpoint_id, transition.from_state, transition.to_state) == (endpoint.pk, UNKNOWN, DOWN)
    assert (transition.at, transition.confirmed_at, transition.error_kind) == (NOW, NOW, ErrorKind.STATUS)


def test_record_changes_the_state_once_the_threshold_is_reached_as_of_the_first_evidence() -> None:
    endpoint = make_endpoint(failure_threshold=2)
    first = find_first_slot(endpoint)
    for minute, verdict in enumerate([UP, DOWN, DOWN]):
        at = first + timedelta(minutes=minute)
        record_one(take_one(endpoint.group, at=at), outcome(verdict, at=at))
    transition = Transition.objects.get(to_state=DOWN)
    assert (transition.at, transition.confirmed_at) == (first + timedelta(minutes=1), first + timedelta(minutes=2))
    assert EndpointState.objects.get().strip == "133"


def test_record_of_an_unknown_verdict_is_stored_and_is_no_evidence() -> None:
    endpoint = make_endpoint()
    first = find_first_slot(endpoint)
    record_one(take_one(endpoint.group, at=first), outcome(UP, at=first))
    before = EndpointState.objects.get()
    later = first + timedelta(minutes=1)
    record_one(take_one(endpoint.group, at=later), outcome(UNKNOWN, at=later, kind=ErrorKind.CAPACITY))
    after = EndpointState.objects.get()
    assert (after.state, after.valid_until, after.strip) == (UP, before.valid_until, "10")
    assert CheckResult.objects.count() == 2


def test_record_shows_missed_slots_as_no_data_in_the_strip() -> None:
    endpoint = make_endpoint(make_group(interval_seconds=10, deadline_seconds=5))
    first = find_first_slot(endpoint)
    record_one(take_one(endpoint.group, at=first), outcome(UP, at=first))
    later = first + timedelta(seconds=30)
    record_one(take_one(endpoint.group, at=later), outcome(UP, at=later))
    assert EndpointState.objects.get().strip == "1001"


def test_record_with_an_old_token_writes_nothing() -> None:
    endpoint = make_endpoint()
    zombie = take_one(endpoint.group)
    CheckRun.objects.update(token=2)
    assert record_one(zombie, outcome(DOWN)) is None
    assert not CheckResult.objects.exists()
    assert not EndpointState.objects.exists()


def test_record_twice_stores_once() -> None:
    endpoint = make_endpoint()
    taken = take_one(endpoint.group)
    assert record_one(taken, outcome()) is not None
    assert record_one(taken, outcome()) is None
    assert CheckResult.objects.count() == 1


def test_record_of_an_abandoned_run_is_accepted_from_its_own_taker() -> None:
    endpoint = make_endpoint()
    taken = take_one(endpoint.group)
    sweep_runs(NOW + timedelta(hours=1))
    assert CheckRun.objects.get().status == RunStatus.ABANDONED
    assert record_one(taken, outcome()) is not None
    assert CheckRun.objects.get().status == RunStatus.FINISHED


def test_record_of_older_evidence_leaves_the_state_alone() -> None:
    endpoint = make_endpoint()
    old = take_one(endpoint.group)
    later = NOW + timedelta(minutes=10)
    CheckRun.objects.update(status=RunStatus.ABANDONED)
    record_one(take_one(endpoint.group, at=later), outcome(UP, at=later))
    record_one(old, outcome(DOWN, at=NOW), now=later + SECOND)
    state = EndpointState.objects.get()
    assert (state.state, state.last_observed_at, state.strip) == (UP, later, "1")
    assert CheckResult.objects.count() == 2


def test_record_believes_new_evidence_when_the_clock_went_back() -> None:
    endpoint = make_endpoint()
    future = NOW + timedelta(hours=1)
    record_one(take_one(endpoint.group, at=future), outcome(UP, at=future))
    record_one(take_one(endpoint.group), outcome(DOWN), now=NOW + SECOND)
    assert EndpointState.objects.get().last_verdict == DOWN


def test_record_drops_endpoints_that_were_deleted_meanwhile() -> None:
    group = make_group()
    kept, marked, gone = (make_endpoint(group, name) for name in ("kept", "marked", "gone"))
    taken = take_one(group)
    Endpoint.objects.filter(pk=marked.pk).update(deleted_at=NOW)
    Endpoint.objects.filter(pk=gone.pk).delete()
    record_one(taken, outcome(), outcome(), outcome())
    assert list(CheckResult.objects.values_list("endpoint_id", flat=True)) == [kept.pk]


def test_record_judges_an_unreadable_endpoint_unknown() -> None:
    group = make_group()
    bad = make_endpoint(group, address="gopher://nowhere")
    taken = take_one(group)
    record_one(taken)
    result = CheckResult.objects.get()
    assert (result.endpoint_id, result.verdict, result.error_kind) == (bad.pk, UNKNOWN, ErrorKind.INTERNAL)


@pytest.mark.parametrize("found", ["a\x00b", "\ud800", "\x1b[31m", "\u202eevil", "x" * 100_000])
def test_record_stores_hostile_text_made_harmless(found: str) -> None:
    endpoint = make_endpoint()
    taken = take_one(endpoint.group)
    hostile = Outcome(DOWN, NOW, error_kind=ErrorKind.ASSERTION, evidence=Evidence(found=found, redirects=(found,)))
    record_one(taken, hostile)
    stored = EvidenceRow.objects.get().facts["found"]
    assert len(stored) <= 300
    assert "\x00" not in stored
    assert stored.isprintable()


def test_record_keeps_what_explains_a_failure() -> None:
    endpoint = make_endpoint()
    taken = take_one(endpoint.group)
    certificate = Certificate("CN=\x1b[31ma", "CN=b", NOW, NOW + SECOND, "00")
    assertions = (
        AssertionOutcome("status 200", "status 200", "status 200", UP),
        AssertionOutcome('body contains "x" degraded', 'body contains "x"', "a\u202eb" * 300, State.DEGRADED),
    )
    evidence = Evidence(assertions=assertions, chain=(certificate,) * 20)
    record_one(taken, Outcome(State.DEGRADED, NOW, error_kind=ErrorKind.ASSERTION, evidence=evidence))
    facts = EvidenceRow.objects.get().facts
    assert facts["assertions"] == [
        {"text": "status 200", "expected": "status 200", "found": "status 200", "verdict": "up", "held": True},
        {
            "text": 'body contains "x" degraded',
            "expected": 'body contains "x"',
            "found": ("a\ufffdb" * 67)[:199] + "…",
            "verdict": "degraded",
            "held": False,
        },
    ]
    assert len(facts["chain"]) == 6
    assert facts["chain"][0] == {
        "subject": "CN=\ufffd[31ma",
        "issuer": "CN=b",
        "not_before": NOW.isoformat(),
        "not_after": (NOW + SECOND).isoformat(),
        "fingerprint_sha256": "00",
        "key_type": "",
        "key_bits": 0,
        "signature": "",
    }


def test_record_keeps_the_parts_of_a_failure() -> None:
    endpoint = make_endpoint()
    taken = take_one(endpoint.group)
    healthy = SubResult("127.0.0.1", UP, latency_us=1500)
    broken = SubResult("127.0.0.2", DOWN, ErrorKind.REFUSED, Phase.CONNECT, 700, "a\u202eb" * 300)
    evidence = Evidence(parts=(*[healthy] * 40, broken))
    record_one(taken, Outcome(DOWN, NOW, error_kind=ErrorKind.REFUSED, evidence=evidence))
    parts = EvidenceRow.objects.get().facts["parts"]
    assert len(parts) == 32
    assert parts[-2:] == [
        {
            "name": "127.0.0.1",
            "verdict": "up",
            "error_kind": None,
            "phase": None,
            "latency_ms": 1.5,
            "found": "",
        },
        {
            "name": "127.0.0.2",
            "verdict": "down",
            "error_kind": "refused",
            "phase": "connect",
            "latency_ms": 0.7,
            "found": ("a\ufffdb" * 67)[:199] + "…",
        },
    ]


@pytest.mark.parametrize("endpoints", [1, 3, 300])
def test_record_costs_the_same_statements_for_any_number_of_endpoints(endpoints: int) -> None:
    group = make_group()
    Endpoint.objects.bulk_create(
        Endpoint(group=group, name=f"e{number}", address="http://127.0.0.1/") for number in range(endpoints)
    )
    record_one(take_one(group), *[outcome()] * endpoints)
    later = NOW + timedelta(minutes=1)
    taken = take_one(group, at=later)
    with CaptureQueriesContext(connection) as steady:
        record_one(taken, *[outcome(at=later)] * endpoints)
    # Close, states read, results, states written.
    statements = [query["sql"] for query in steady.captured_queries]
    assert len([sql for sql in statements if not sql.startswith(("SAVEPOINT", "RELEASE"))]) == 4


def test_record_in_two_runs_of_one_group_keeps_one_state() -> None:
    endpoint = make_endpoint()
    first = take_one(endpoint.group)
    CheckRun.objects.update(status=RunStatus.ABANDONED)
    EndpointGroup.objects.update(next_run_at=NOW)
    second = take_one(endpoint.group, at=NOW + timedelta(minutes=5))
    record_one(second, outcome(at=NOW + timedelta(minutes=5)))
    record_one(first, outcome())
    assert EndpointState.objects.count() == 1
