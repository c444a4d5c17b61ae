"""Two processes that see the same endpoints fail, or recover, at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import CheckRun, EndpointGroup, Incident, IncidentMember, RunStatus
from healthcheck.pipeline.execute import TakenRun
from tests.factories import NOW, make_endpoint, make_group
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
    for minute in range(0, 20, 4):
        record_both(group, DOWN, minute=minute)
        assert Incident.objects.open().count() == 1
        assert IncidentMember.objects.filter(left_at=None).count() == 2
        record_both(group, UP, minute=minute + 2)
        assert not Incident.objects.open().exists()
    assert Incident.objects.count() == 5
