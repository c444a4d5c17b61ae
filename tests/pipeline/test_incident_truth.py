"""Whatever was seen, an endpoint is in an open incident exactly when it is not up and not in maintenance."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import (
    CheckRun,
    Dependency,
    Endpoint,
    EndpointState,
    Incident,
    IncidentMember,
    MaintenanceSpan,
    RunStatus,
)
from healthcheck.models.maintenance import find_endpoints_in_maintenance
from healthcheck.pipeline.reconcile import reconcile_incidents
from healthcheck.pipeline.sweep import expire_evidence
from tests.factories import NOW, make_endpoint, make_group, make_span
from tests.pipeline.conftest import outcome, record_one
from tests.pipeline.test_incidents import MINUTE, take

pytestmark = [pytest.mark.django_db, pytest.mark.database]

HOSTS = ("http://one.test/", "http://two.test/", "http://one.test/more")
KINDS = (ErrorKind.DNS, ErrorKind.TIMEOUT)
VERDICTS = st.tuples(st.sampled_from(State), st.sampled_from(KINDS))
RUN = st.tuples(st.just("run"), st.tuples(*[VERDICTS] * len(HOSTS)))
PLACE = st.integers(0, len(HOSTS) - 1)
# A run, how long nothing happens, maintenance of one, a pause of one that begins or ends, a late run.
STEPS = st.lists(
    st.one_of(
        RUN,
        st.tuples(st.just("late"), st.tuples(*[VERDICTS] * len(HOSTS))),
        st.tuples(st.just("wait"), st.integers(1, 20)),
        st.tuples(st.just("maintain"), PLACE),
        st.tuples(st.just("pause"), PLACE),
    ),
    max_size=10,
)


class World:
    """A group of three, the third of which depends on the first, and a clock."""

    def __init__(self) -> None:
        self.group = make_group()
        self.endpoints = [
            make_endpoint(self.group, f"e{place}", address=host, failure_threshold=1 + place % 2)
            for place, host in enumerate(HOSTS)
        ]
        Dependency.objects.create(child_endpoint=self.endpoints[2], parent_endpoint=self.endpoints[0])
        self.now = NOW

    def run(self, verdicts: tuple[tuple[State, ErrorKind], ...], *, late_minutes: int = 0) -> None:
        self.now += MINUTE
        taken = take(self.group, at=self.now)
        at = self.now - late_minutes * MINUTE
        paused = set(Endpoint.objects.filter(is_paused=True).values_list("pk", flat=True))
        seen = [
            outcome(verdict, at=at, kind=kind if verdict > State.UP else None)
            for endpoint, (verdict, kind) in zip(self.endpoints, verdicts, strict=True)
            if endpoint.pk not in paused
        ]
        record_one(taken, *seen, now=self.now)
        CheckRun.objects.filter(status=RunStatus.RUNNING).update(status=RunStatus.ABANDONED)

    def act(self, name: str, how: object) -> None:
        if name in ("run", "late"):
            assert isinstance(how, tuple)
            self.run(how, late_minutes=3 * (name == "late"))
        elif name == "wait":
            assert isinstance(how, int)
            self.now += how * MINUTE
        else:
            assert isinstance(how, int)
            endpoint = self.endpoints[how]
            if name == "maintain":
                make_span(endpoint, at=self.now, minutes=5, window_id=MaintenanceSpan.objects.count())
            else:
                endpoint.is_paused = not endpoint.is_paused
                endpoint.save()

    def sweep(self) -> None:
        expire_evidence(self.now)
        reconcile_incidents(self.now)


def verify(world: World) -> None:
    open_members = IncidentMember.objects.filter(left_at=None, incident__resolved_at=None)
    members = list(open_members.values_list("endpoint_id", flat=True))
    assert len(members) == len(set(members))
    states = EndpointState.objects.filter(endpoint__is_paused=False)
    quiet = find_endpoints_in_maintenance([each.pk for each in world.endpoints], world.now)
    # Not up as far as is known; what is unknown was so when it was last seen.
    known = set(states.filter(known_state__gt=State.UP).values_list("endpoint_id", flat=True)) - quiet
    seen = set(states.filter(state__gt=State.UP).values_list("endpoint_id", flat=True)) - quiet
    assert seen <= set(members) <= known
    for incident in Incident.objects.all():
        count = incident.members.filter(left_at=None).count()
        assert incident.open_count == count
        assert (incident.resolved_at is None) or count == 0
        assert incident.peak_count >= count


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_members_are_exactly_those_that_are_not_up(steps: list[tuple[str, object]]) -> None:
    with transaction.atomic():
        follow(steps)
        transaction.set_rollback(True)


def follow(steps: list[tuple[str, object]]) -> None:
    world = World()
    for name, how in steps:
        world.act(name, how)
        world.sweep()
        verify(world)
    # Everything comes to rest: nobody is left in an incident for ever.
    MaintenanceSpan.objects.all().delete()
    Endpoint.objects.update(is_paused=False)
    for _ in range(3):
        world.run(((State.UP, ErrorKind.DNS),) * len(HOSTS))
    world.now += timedelta(hours=2)
    world.sweep()
    assert not Incident.objects.open().exists()


def test_between_sweeps_a_run_alone_keeps_them_right(location: object) -> None:
    world = World()
    for verdict in (State.DOWN, State.DOWN, State.UNKNOWN, State.DEGRADED, State.UP, State.DOWN, State.DOWN):
        world.run(((verdict, ErrorKind.DNS),) * len(HOSTS))
        verify(world)
