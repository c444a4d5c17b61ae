"""Two processes that see the same endpoints fail, or recover, at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import CheckRun, EndpointGroup, EndpointState, Incident, IncidentMember, RunStatus
from healthcheck.pipeline.execute import TakenRun
from healthcheck.pipeline.reconcile import reconcile_incidents
from tests.factories import NOW, make_endpoint, make_group, make_state
from tests.locks import WAIT_SECONDS, in_thread
from tests.pipeline.conftest import outcome, record_one, take_one
from tests.pipeline.test_incidents import MINUTE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

DOWN, UP = State.DOWN, State.UP


@pytest.fixture
def group(location: object) -> EndpointGroup:
    group = make_group()
    for name in ("a", "b"):
        make_endpoint(group, name, failure_threshold=1)
    return group


def take_two(group: EndpointGroup, *, minute: int) -> list[TakenRun]:
    """Two runs of the group that are under way at once, such as a scheduled one and one that a person asked for."""
    taken = []
    for second in (0, 1):
        taken.append(take_one(group, at=NOW + minute * MINUTE + second * MINUTE / 60))
        CheckRun.objects.filter(status=RunStatus.RUNNING).update(status=RunStatus.ABANDONED)
    return taken


def record_both(group: EndpointGroup, verdict: State, *, minute: int) -> None:
    def record(taken: TakenRun) -> Callable[[], object]:
        seen = outcome(verdict, at=taken.slot_at, kind=ErrorKind.DNS if verdict is DOWN else None)
        return lambda: record_one(taken, seen, seen)

    with ThreadPoolExecutor(2) as pool:
        recording = [in_thread(pool, record(taken)) for taken in take_two(group, minute=minute)]
        for each in recording:
            assert each.result(WAIT_SECONDS) is not None


def test_two_processes_open_and_resolve_one_incident(group: EndpointGroup) -> None:
    for minute in range(0, 500, 100):
        record_both(group, DOWN, minute=minute)
        assert Incident.objects.open().count() == 1
        assert IncidentMember.objects.filter(left_at=None).count() == 2
        record_both(group, UP, minute=minute + 2)
        assert not Incident.objects.open().exists()
    assert Incident.objects.count() == 5


def test_eight_sweeps_at_once_open_one_incident(group: EndpointGroup) -> None:
    for endpoint in group.endpoints.all():
        make_state(endpoint, DOWN)
    with ThreadPoolExecutor(8) as pool:
        sweeps = [in_thread(pool, lambda: reconcile_incidents(NOW)) for _ in range(8)]
        for sweep in sweeps:
            sweep.result(WAIT_SECONDS)
    assert Incident.objects.get().open_count == 2
    assert IncidentMember.objects.count() == 2


@pytest.mark.postgresql
def test_sweep_passes_over_what_is_being_recorded(group: EndpointGroup) -> None:
    for endpoint in group.endpoints.all():
        make_state(endpoint, DOWN)
    has_locked, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            list(EndpointState.objects.select_for_update())
            has_locked.set()
            assert may_end.wait(WAIT_SECONDS)

    with ThreadPoolExecutor(1) as pool:
        holding = in_thread(pool, hold)
        assert has_locked.wait(WAIT_SECONDS)
        # Waiting for it would hang here, and the clock of the groups with it.
        reconcile_incidents(NOW)
        assert not Incident.objects.exists()
        may_end.set()
        holding.result(WAIT_SECONDS)
    reconcile_incidents(NOW)
    assert Incident.objects.get().open_count == 2
