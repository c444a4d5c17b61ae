"""Every kind in one group, and kill -9 of workers and clocks: each slot ends in one state, what is well is not down."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
import trustme
from django.utils import timezone

from healthcheck.engine.probes import JUDGED, PROBES
from healthcheck.engine.types import State
from healthcheck.models import (
    CheckResult,
    CheckRun,
    EndpointGroup,
    EndpointState,
    RunStatus,
    SignalKind,
    Transition,
    Trigger,
)
from healthcheck.models.clock import read_database_clock
from healthcheck.models.run import UNFINISHED
from healthcheck.pipeline.signals import Call, take_signal
from tests.dns_server import DnsServer
from tests.engine.conftest import serve_with
from tests.factories import make_endpoint, make_group, make_heartbeat_endpoint, make_member, make_token
from tests.figures.children import Child
from tests.figures.deployment import Deployment, wait_until
from tests.hostile import HostileServer, play
from tests.test_processes import assert_that_every_slot_ended_well, deployment, finished

__all__ = ["deployment"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

# By hand: `KILLS=100`.
KILLS = int(os.environ.get("KILLS", "4"))
# Four processes start at once, beside whatever else this machine does.
WAIT_SECONDS = 200


@pytest.fixture
def group(authority: trustme.CA) -> Iterator[EndpointGroup]:
    """A group with an endpoint of every kind, all of them well."""
    group = make_group(interval_seconds=2, deadline_seconds=1.9)
    with HostileServer() as hostile, DnsServer() as names:
        names.add("a.test", "A 192.0.2.1")
        tls = hostile.listen(play(b""), tls=serve_with(authority.issue_cert("localhost")))
        asked = {
            "http": (f"http://127.0.0.1:{hostile.listen('good')}/", {}),
            "tcp": (f"127.0.0.1:{hostile.listen('ssh_banner')}", {}),
            "tls": (f"127.0.0.1:{tls}", {"verify": "off"}),
            "dns": ("a.test", {"server": names.address}),
            "icmp": ("127.0.0.1", {"packets": 1}),
        }
        assert set(asked) == set(PROBES)
        for kind, (address, options) in asked.items():
            make_endpoint(group, kind, kind=kind, address=address, options=options, timeout_seconds=1.5)
        job = make_heartbeat_endpoint(group, "heartbeat")
        take_signal(make_token(job), Call(SignalKind.SUCCESS), read_database_clock())
        parent = make_endpoint(group, "group", kind="group", address="")
        for member in group.endpoints.exclude(pk=parent.pk):
            make_member(parent, member)
        yield group


def test_every_slot_ends_in_one_state_whoever_is_killed(deployment: Deployment, group: EndpointGroup) -> None:
    kinds = {*PROBES, *JUDGED}
    deployment.start_scheduler()
    clock, worker = deployment.start_scheduler(), deployment.start_worker()
    _wait_until_well(kinds)
    for number in range(KILLS):
        clock, worker = _kill_one(deployment, clock, worker, number)
        _wait_for_runs(2)
    _wait_until_well(kinds)
    last_lease = timezone.now() + timedelta(seconds=group.deadline_seconds + 5)
    overdue = CheckRun.objects.filter(status__in=UNFINISHED, open_until__lt=last_lease)
    assert wait_until(lambda: timezone.now() > last_lease and not overdue.exists(), seconds=WAIT_SECONDS)
    assert_that_every_slot_ended_well()
    slots = Counter(CheckRun.objects.exclude(trigger=Trigger.SIGNAL).values_list("scheduled_for", flat=True))
    assert set(slots.values()) == {1}
    # A run is whole or has nothing: what was killed left no half of its results, and nothing twice.
    runs = CheckRun.objects.filter(status=RunStatus.FINISHED, trigger=Trigger.SCHEDULED).values_list("pk", flat=True)
    results = Counter(CheckResult.objects.exclude(run_id__in=_list_signal_runs()).values_list("run_id", flat=True))
    assert set(results) >= set(runs)
    assert set(results.values()) == {len(kinds)}
    assert not Transition.objects.filter(to_state=State.DOWN).exists()


def _list_signal_runs() -> list[int]:
    return list(CheckRun.objects.filter(trigger=Trigger.SIGNAL).values_list("pk", flat=True))


def _wait_until_well(kinds: set[str]) -> None:
    states = EndpointState.objects.filter(state=State.UP).values_list("endpoint__kind", flat=True)
    assert wait_until(lambda: set(states.all()) == kinds, seconds=WAIT_SECONDS)


def _wait_for_runs(count: int) -> None:
    already = finished()
    assert wait_until(lambda: finished() >= already + count, seconds=WAIT_SECONDS)


def _kill_one(deployment: Deployment, clock: Child, worker: Child, number: int) -> tuple[Child, Child]:
    """Kill -9 the worker in the middle of a run, every other time, and else the clock; start another."""
    if number % 2:
        clock.kill()
        return deployment.start_scheduler(), worker
    wait_until(lambda: CheckRun.objects.filter(status=RunStatus.RUNNING).exists(), seconds=WAIT_SECONDS, pause=0.001)
    worker.kill()
    return clock, deployment.start_worker()
