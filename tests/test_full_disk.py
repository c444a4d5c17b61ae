"""Real disks that are full: the one of the database, and the one of the spool. Small ones, in a namespace; root is."""

from __future__ import annotations

import errno
import os
import time
from io import RawIOBase
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from psycopg.errors import DiskFull

from healthcheck.models import CheckResult
from healthcheck.pipeline.database import DATABASE_AWAY, call_in_database_thread, close_database_threads
from healthcheck.pipeline.record import pair_findings
from healthcheck.pipeline.replay import replay
from healthcheck.pipeline.spool import Spool, get_spool
from healthcheck.pipeline.spool_files import SUFFIX, list_files
from healthcheck.pipeline.spool_format import write_line
from healthcheck.pipeline.storing import Storer
from tests.factories import make_endpoint, make_group, make_location
from tests.namespaces import run_on_small_disk
from tests.pipeline.conftest import outcome, take_one
from tests.pipeline.test_spool import adopt, read_ids
from tests.pipeline.test_spool_format import build_run

DISK_BYTES = 256 * 1024
# SQLite's log is as long as what was written since it was last read back.
LOG_BYTES = 16 * 1024 * 1024


def fill_disk(folder: Path) -> Path:
    """Leave no room in the folder; returns what takes it."""
    junk = folder / "junk"
    with junk.open("wb", buffering=0) as file, pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        _write_for_ever(file)
    return junk


def _write_for_ever(file: RawIOBase) -> None:
    while True:
        file.write(bytes(4096))


def test_full_disk_of_the_spool_drops_whole_results_and_keeps_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)

    def act() -> None:
        spool = Spool(folder)
        assert spool.keep(build_run(1))
        junk = fill_disk(folder)
        # Longer than what is left of the last block.
        assert not spool.keep(build_run(2, results=100))
        assert spool.dropped == 100
        [file] = list_files(folder, SUFFIX)
        assert file.read_bytes() == write_line(build_run(1))
        junk.unlink()
        assert spool.keep(build_run(3))
        assert [read_ids(adopt(spool)), read_ids(adopt(spool))] == [[1], [3]]

    run_on_small_disk(act, folder=folder, size_bytes=DISK_BYTES)
    [dropped] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert dropped.__dict__["error"] == os.strerror(errno.ENOSPC)


def test_full_disk_from_the_first_line_on_ends_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)

    def act() -> None:
        spool, junk = Spool(folder), fill_disk(folder)
        assert not spool.keep(build_run(1, results=2))
        junk.unlink()
        assert spool.keep(build_run(2))
        assert (spool.survey().count, spool.dropped) == (1, 2)

    run_on_small_disk(act, folder=folder, size_bytes=DISK_BYTES)


@pytest.mark.django_db(transaction=True)
def test_full_disk_of_the_database_spools_and_stores_once_there_is_room(tmp_path: Path, settings: object) -> None:
    settings.HEALTHCHECK = {"SPOOL_DIR": str(tmp_path / "spool")}  # type: ignore[attr-defined]
    make_location()
    runs = [take_one(make_endpoint(make_group(f"group-{number}")).group) for number in range(5)]
    database = Path(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = sum(path.stat().st_size for path in database.parent.iterdir() if path.is_file())

    def act() -> None:
        # Threads of a pool see the disk of whoever has started them.
        close_database_threads()
        spool, junk = get_spool(), fill_disk(database.parent)
        assert spool is not None
        for taken in runs:
            findings = pair_findings(taken, [outcome()], taken.started_at)
            Storer().store(taken, findings, started=time.monotonic() - 34.5, wall_us=1)
        waiting = spool.survey().count
        assert waiting > 0
        assert call_in_database_thread(CheckResult.objects.count) == len(runs) - waiting
        junk.unlink()
        assert replay(spool) == {"stored": waiting}
        assert call_in_database_thread(CheckResult.objects.count) == len(runs)
        close_database_threads()

    run_on_small_disk(act, folder=database.parent, size_bytes=size + LOG_BYTES)


def test_full_disk_of_postgresql_counts_as_away() -> None:
    # As Django's wrapper translates it, by the class that the driver's is one of.
    assert DiskFull.sqlstate == "53100"
    assert OperationalError in DATABASE_AWAY
    assert "OperationalError" in [each.__name__ for each in DiskFull.__mro__]
