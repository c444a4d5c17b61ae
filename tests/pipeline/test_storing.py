"""What happens to results while the database does not take them. Its absence is real: another connection locks it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, connections

from healthcheck.models import CheckResult, CheckRun, EndpointState, RunStatus
from healthcheck.pipeline.database import close_database_threads
from healthcheck.pipeline.execute import TakenRun
from healthcheck.pipeline.perform import Performer
from healthcheck.pipeline.record import pair_findings
from healthcheck.pipeline.replay import replay
from healthcheck.pipeline.spool import Spool, get_spool
from healthcheck.pipeline.storing import STOP_SECONDS, Storer
from tests.factories import make_endpoint, make_group
from tests.pipeline.conftest import outcome, take_one
from tests.pipeline.test_perform import WAIT_SECONDS, Target, claim, target
from tests.pipeline.test_replay import failing

__all__ = ["target"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture(autouse=True)
def spool(tmp_path: Path, settings: object) -> Spool:
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "SPOOL_DIR": str(tmp_path / "spool")}  # type: ignore[attr-defined]
    found = get_spool()
    assert found is not None
    return found


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the database's own patience end at once, where it would be 20 s and more."""
    options = connections.settings["default"]["OPTIONS"]
    if connection.vendor == "sqlite":
        monkeypatch.setitem(options, "timeout", 0.05)
    else:
        monkeypatch.setitem(options, "options", "-c lock_timeout=50")
    close_database_threads()
    yield
    close_database_threads()


@contextmanager
def lock_database() -> Iterator[None]:
    """Let nobody else store a result."""
    other = connection.copy()
    with other.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")
        else:
            cursor.execute("BEGIN")
            cursor.execute(f"LOCK TABLE {EndpointState._meta.db_table}")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
            other.close()


def store(storer: Storer, taken: TakenRun, *, started: float | None = None) -> object:
    findings = pair_findings(taken, [outcome()], taken.started_at)
    return storer.store(taken, findings, started=time.monotonic() if started is None else started, wall_us=1)


def take(slug: str) -> TakenRun:
    return take_one(make_endpoint(make_group(slug)).group)


def test_stop_during_an_outage_spools_within_seconds_and_the_next_worker_stores(target: Target, spool: Spool) -> None:
    group = make_group(deadline_seconds=20)
    make_endpoint(group, address=target.url("/hold"))
    run_id, performer = claim(group), Performer()
    worker = threading.Thread(target=performer.perform, args=(run_id,))
    worker.start()
    assert target.held.wait(WAIT_SECONDS)
    with lock_database():
        target.release.set()
        # Nothing is in the spool yet: results are tried for as long as the lease lasts.
        worker.join(1.5)
        assert spool.survey().count == 0
        began = time.monotonic()
        performer.stop()
        worker.join(WAIT_SECONDS)
        assert time.monotonic() - began < STOP_SECONDS + 2
        assert spool.survey().count == 1
    # What was asked of the database before it came back may have happened.
    assert replay(spool).total() == 1
    assert CheckRun.objects.get().status == RunStatus.FINISHED
    assert CheckResult.objects.count() == 1


def test_results_go_into_the_spool_when_the_lease_ends(spool: Spool, impatient: None) -> None:
    taken = take("web")
    with lock_database():
        assert store(Storer(), taken, started=time.monotonic() - 34.5) is None
    assert spool.survey().count == 1
    assert replay(spool) == {"stored": 1}


def test_results_that_the_database_refuses_are_not_lost(spool: Spool) -> None:
    taken = take("web")
    with failing(taken, IntegrityError):
        assert store(Storer(), taken, started=time.monotonic() - 34.5) is None
    assert spool.survey().count == 1
    assert replay(spool) == {"stored": 1}


def test_no_more_than_so_many_runs_wait_with_their_results_in_memory(spool: Spool, impatient: None) -> None:
    storer, runs = Storer(max_waiting=1), [take(slug) for slug in ("a", "b", "c")]
    threads = [threading.Thread(target=store, args=(storer, taken)) for taken in runs]
    with lock_database():
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + WAIT_SECONDS
        while sum(thread.is_alive() for thread in threads) > 1 and time.monotonic() < deadline:
            threads[0].join(0.05)
        assert (spool.survey().count, sum(thread.is_alive() for thread in threads)) == (2, 1)
    for thread in threads:
        thread.join(WAIT_SECONDS)
    # The one that waited has said that the database is back.
    assert spool.stirred.is_set()
    assert replay(spool) == {"stored": 2}
    assert CheckResult.objects.count() == 3


def test_results_are_lost_without_a_spool_and_that_is_said(
    settings: object, impatient: None, caplog: pytest.LogCaptureFixture
) -> None:
    settings.HEALTHCHECK = {}  # type: ignore[attr-defined]
    taken = take("web")
    with lock_database():
        assert store(Storer(), taken, started=time.monotonic() - 34.5) is None
    lost = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage() for record in lost] == ["database away, results of a run lost"]


def test_replay_of_a_database_that_is_away_leaves_everything_where_it_is(spool: Spool, impatient: None) -> None:
    taken = take("web")
    with lock_database():
        store(Storer(max_waiting=0), taken)
        assert replay(spool) == {}
        assert spool.survey().count == 1
        spool.stir()
        assert spool.stirred.is_set()
    assert replay(spool) == {"stored": 1}
