"""What the tests of the pipeline share: one location, runs taken by a worker, outcomes without a network."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from healthcheck.engine.types import ErrorKind, Evidence, Outcome, Phase, State
from healthcheck.models import EndpointGroup, Location
from healthcheck.pipeline.dispatch import claim_due_groups
from healthcheck.pipeline.execute import TakenRun, take_run
from healthcheck.pipeline.record import Recorded, pair_findings, record_run
from tests.factories import NOW, make_location


@pytest.fixture(autouse=True)
def location(request: pytest.FixtureRequest) -> Location | None:
    """The default location, also where a transactional test has flushed the rows of the migration."""
    if request.node.get_closest_marker("django_db") is None:
        return None
    request.getfixturevalue("transactional_db" if _is_transactional(request) else "db")
    return make_location()


def _is_transactional(request: pytest.FixtureRequest) -> bool:
    marker = request.node.get_closest_marker("django_db")
    return bool(marker and marker.kwargs.get("transaction"))


def claim_one(group: EndpointGroup, *, at: datetime = NOW) -> int:
    """Claim the group's slot at `at` and return its run."""
    EndpointGroup.objects.filter(pk=group.pk).update(next_run_at=at)
    [run_id] = claim_due_groups(at)
    return run_id


def take_one(group: EndpointGroup, *, at: datetime = NOW) -> TakenRun:
    taken = take_run(claim_one(group, at=at), at)
    assert taken is not None
    return taken


def outcome(verdict: State = State.UP, *, at: datetime = NOW, kind: ErrorKind | None = None) -> Outcome:
    failed = verdict in (State.DOWN, State.DEGRADED)
    return Outcome(
        verdict,
        observed_at=at,
        error_kind=kind or (ErrorKind.STATUS if failed else None),
        phase=Phase.HEADERS if failed else None,
        latency_us=1500,
        http_status=500 if failed else 200,
        evidence=Evidence(sentence="It answered with an unexpected status.", found="500") if failed else None,
    )


def record_one(taken: TakenRun, *outcomes: Outcome, now: datetime | None = None) -> Recorded | None:
    at = now or taken.started_at + timedelta(seconds=1)
    return record_run(taken, pair_findings(taken, outcomes, at), now=at, wall_us=2000)
