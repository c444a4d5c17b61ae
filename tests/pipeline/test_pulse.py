"""A worker's sign of life: renewed, taken along at the end, and never in the way."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from healthcheck.models import WorkerPulse
from healthcheck.models.tick import WORKER_SILENT_AFTER
from healthcheck.pipeline.prune import prune
from healthcheck.pipeline.pulse import PULSE_SECONDS, PulseThread, Worker, forget_pulse, record_pulse
from healthcheck.pipeline.spool import get_spool
from healthcheck.pipeline.sweep import realign_clocks
from tests.factories import NOW, make_location
from tests.pipeline.test_spool_format import build_run

pytestmark = pytest.mark.django_db


def make_worker() -> Worker:
    make_location()
    return Worker("celery@host", pool="threads", concurrency=500)


def test_pulse_is_one_row_that_is_renewed() -> None:
    worker = make_worker()
    for seconds in (0, 10):
        record_pulse(worker, NOW + timedelta(seconds=seconds))
    row = WorkerPulse.objects.get()
    assert (row.started_at, row.at) == (NOW, NOW + timedelta(seconds=10))
    assert (row.node, row.pool, row.concurrency, row.location.slug) == (worker.node, "threads", 500, "default")


def test_pulse_says_what_waits_in_the_spool(tmp_path: Path, settings: object) -> None:
    settings.HEALTHCHECK = {"SPOOL_DIR": str(tmp_path / "spool")}  # type: ignore[attr-defined]
    spool = get_spool()
    assert spool is not None
    worker, pulse = make_worker(), PulseThread()
    spool.keep(build_run(results=3))
    spool.count_dropped(2)
    pulse.beat(worker)
    row = WorkerPulse.objects.get()
    assert (row.spooled_count, row.spooled_since, row.dropped_count) == (3, spool.survey().since, 2)
    file = spool.adopt()
    assert file is not None
    file.remove()
    pulse.beat(worker)
    row.refresh_from_db()
    assert (row.spooled_count, row.spooled_since, row.dropped_count) == (0, None, 2)


def test_worker_is_silent_after_three_pulses_and_a_little() -> None:
    assert WORKER_SILENT_AFTER.total_seconds() == 3 * PULSE_SECONDS + 5


def test_two_workers_with_one_name_have_two_rows() -> None:
    for worker in (make_worker(), make_worker()):
        record_pulse(worker, NOW)
    assert WorkerPulse.objects.count() == 2


def test_worker_takes_along_its_own_row_only() -> None:
    here, gone = make_worker(), make_worker()
    record_pulse(here, NOW)
    record_pulse(gone, NOW)
    forget_pulse(gone)
    assert WorkerPulse.objects.get().node == here.node


def test_hostile_and_endless_names_fit() -> None:
    worker = Worker("c%s'\"\x00\n" + "x" * 500, pool="p" * 90, concurrency=-1)
    make_location()
    record_pulse(worker, NOW)
    assert len(WorkerPulse.objects.get().node) <= 200


def test_silent_workers_are_removed_after_a_day() -> None:
    old, here = make_worker(), make_worker()
    record_pulse(old, NOW - timedelta(days=1, seconds=1))
    record_pulse(here, NOW - timedelta(days=1))
    prune(NOW, retention=timedelta(days=14), budget_seconds=5)
    assert WorkerPulse.objects.get().node == here.node


def test_pulse_from_a_future_that_is_not_to_be_is_removed() -> None:
    record_pulse(make_worker(), NOW + timedelta(minutes=2))
    realign_clocks(NOW)
    assert not WorkerPulse.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_database_that_is_away_is_logged_once_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    worker, pulse = make_worker(), PulseThread()
    rename = 'ALTER TABLE "{}" RENAME TO "{}"'
    table = WorkerPulse._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(rename.format(table, "away"))
        pulse.beat(worker)
        pulse.beat(worker)
        cursor.execute(rename.format("away", table))
    assert [record.message for record in caplog.records] == ["database away, no pulse of this worker"]
    pulse.beat(worker)
    assert WorkerPulse.objects.get().node == worker.node


@pytest.mark.django_db(transaction=True)
def test_thread_beats_at_once_and_removes_its_row_when_it_stops() -> None:
    worker, pulse = make_worker(), PulseThread()
    pulse.start(worker)
    pulse.start(worker)
    threads = [thread for thread in threading.enumerate() if thread.name == "healthcheck-pulse"]
    assert len(threads) == 1
    pulse.stop()
    assert not threads[0].is_alive()
    assert not WorkerPulse.objects.exists()


def test_each_beat_calls_whoever_looks_for_a_scheduler_and_the_last_does_not() -> None:
    worker, beats = make_worker(), list[int]()
    pulse = PulseThread(on_beat=lambda: beats.append(WorkerPulse.objects.count()))
    pulse.beat(worker)
    pulse.beat(worker)
    pulse.stop()
    pulse.beat(worker)
    assert beats == [1, 1]
