from __future__ import annotations

import logging
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from healthcheck.pipeline.spool import Spool, get_spool
from healthcheck.pipeline.spool_files import SpoolFile, SpoolUnusableError, adopt_file, prepare_folder
from healthcheck.pipeline.spool_format import read_lines, read_run, write_line
from tests.figures.children import ROOT
from tests.pipeline.test_spool_format import build_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def read_ids(file: SpoolFile) -> list[int]:
    with file.path.open("rb") as stream:
        return [read_run(line.body).taken.run_id for line in read_lines(stream) if line.body is not None]


def adopt(spool: Spool) -> SpoolFile:
    file = spool.adopt()
    assert file is not None
    return file


def test_spool_is_private(folder: Path) -> None:
    before = os.umask(0)
    try:
        assert Spool(folder).keep(build_run())
    finally:
        os.umask(before)
    [file] = folder.iterdir()
    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(file.stat().st_mode)) == (0o700, 0o600)


def test_spool_refuses_a_folder_that_others_look_into(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder.mkdir(mode=0o755)
    with pytest.raises(SpoolUnusableError, match="make it private with chmod 700"):
        prepare_folder(folder)
    spool = Spool(folder)
    assert not spool.keep(build_run(results=3))
    assert (spool.dropped, list(folder.iterdir())) == (3, [])
    assert "results dropped" in caplog.text


def test_spool_gives_out_what_it_kept_oldest_first_and_nothing_twice(folder: Path) -> None:
    spool = Spool(folder)
    for run_id in (1, 2):
        spool.keep(build_run(run_id))
    first = adopt(spool)
    spool.keep(build_run(3))
    second = adopt(spool)
    assert (read_ids(first), read_ids(second)) == ([1, 2], [3])
    assert spool.adopt() is None
    first.remove()
    spool.release(second)
    assert read_ids(adopt(spool)) == [3]


def test_spool_of_another_process_is_left_alone_as_long_as_it_lives(folder: Path) -> None:
    living, other = Spool(folder, owner="living"), Spool(folder, owner="other")
    living.keep(build_run(1))
    assert other.adopt() is None
    living.close()
    assert read_ids(adopt(other)) == [1]
    assert living.adopt() is None


def test_file_is_adopted_by_one_of_two_who_saw_it(folder: Path) -> None:
    spool = Spool(folder, owner="dead")
    spool.keep(build_run(1))
    spool.close()
    [path] = folder.iterdir()
    first = adopt_file(path, "first")
    assert first is not None
    assert adopt_file(path, "second") is None
    assert adopt_file(first.path, "second") is None


def test_full_spool_drops_the_newest_and_says_so(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    size = len(write_line(build_run(1)))
    spool = Spool(folder, max_bytes=size * 2 + size // 2)
    assert [spool.keep(build_run(run_id)) for run_id in (1, 2, 3)] == [True, True, False]
    assert spool.dropped == 1
    assert read_ids(adopt(spool)) == [1, 2]
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.__dict__["error"] == f"It holds as much as it may, {spool.max_bytes} bytes."


def test_survey_counts_what_this_worker_answers_for(folder: Path) -> None:
    mine, other = Spool(folder, owner="mine"), Spool(folder, owner="other")
    assert mine.survey().count == 0
    mine.keep(build_run(1, results=2))
    other.keep(build_run(2, results=5))
    other.close()
    assert (mine.survey().count, other.survey().count) == (2, 5)
    since = other.survey().since
    adopt(mine)
    adopted = adopt(mine)
    assert (mine.survey().count, other.survey().count) == (7, 0)
    assert adopted.path.name.count("-mine-") == 1
    assert since is not None
    assert mine.survey().since <= since  # type: ignore[operator]


def test_large_file_is_closed_and_another_begun(folder: Path) -> None:
    spool = Spool(folder, file_bytes=1)
    for run_id in (1, 2):
        spool.keep(build_run(run_id))
    assert len(list(folder.iterdir())) == 2
    assert [read_ids(adopt(spool)), read_ids(adopt(spool))] == [[1], [2]]


def test_get_spool_is_the_one_of_the_settings(folder: Path, settings: object) -> None:
    settings.HEALTHCHECK = {}  # type: ignore[attr-defined]
    assert get_spool() is None
    settings.HEALTHCHECK = {"SPOOL_DIR": str(folder)}  # type: ignore[attr-defined]
    spool = get_spool()
    assert spool is not None
    assert (spool.folder, get_spool()) == (folder, spool)


_APPENDING = """
import os, sys
from itertools import count
from pathlib import Path
import django
django.setup()
from healthcheck.pipeline.spool import Spool
from tests.pipeline.test_spool_format import build_run
spool = Spool(Path(sys.argv[1]), owner="killed")
for run_id in count(1):
    assert spool.keep(build_run(run_id, results=50))
    os.write(1, f"{run_id}\\n".encode())
"""


def test_process_killed_while_it_appends_leaves_all_that_it_kept(folder: Path) -> None:
    command = [sys.executable, "-c", _APPENDING, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ) as appending:
        assert appending.stdout is not None
        seen = [int(appending.stdout.readline()) for _ in range(20)]
        appending.kill()
        seen += [int(line) for line in appending.stdout]
    assert appending.returncode == -signal.SIGKILL
    file = adopt(Spool(folder))
    kept = read_ids(file)
    assert seen == kept[: len(seen)]
    assert len(kept) - len(seen) in (0, 1)
