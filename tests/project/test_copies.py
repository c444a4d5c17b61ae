"""`backup` and `restore`: a running `up` is copied, loses its database, and goes on from the copy."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from project.embedded.copies import copy_database
from project.embedded.database import KEPT_BACKUPS
from tests.project.running import query, run_manage, running, wait_until

COUNT = "SELECT count(*) FROM healthcheck_checkresult"


def refusal(*arguments: str, **variables: str) -> str:
    refused = run_manage(*arguments, **variables)
    assert (refused.returncode, refused.stdout) == (1, "")
    return refused.stderr


def test_copy_of_a_running_deployment_is_restored_and_goes_on(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy.sqlite3"
    with running(data) as server:
        server.wait_for_results()
        copied = run_manage("backup", str(copy), "--data", str(data))
        assert (copied.returncode, copied.stderr) == (0, "")
        assert refusal("restore", str(copy), "--data", str(data)).startswith("CommandError: Another `up` already runs")
        server.stop(signal.SIGTERM)
    with closing(sqlite3.connect(copy)) as kept:
        results = kept.execute(COUNT).fetchone()[0]
    assert copy.stat().st_mode & 0o777 == 0o600
    for file in data.glob("healthcheck.sqlite3*"):
        file.unlink()
    restored = run_manage("restore", str(copy), "--data", str(data))
    assert (restored.returncode, restored.stderr) == (0, "")
    assert query(data, COUNT) == [(results,)]
    with running(data, "--no-demo"):
        assert results > 0
        wait_until(lambda: query(data, COUNT)[0][0] > results)


def make_database(path: Path, location: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE healthcheck_endpointgroup (name text)")
        database.execute("INSERT INTO healthcheck_endpointgroup VALUES (?)", (location,))


def read_name(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        name: str = database.execute("SELECT name FROM healthcheck_endpointgroup").fetchone()[0]
    return name


def test_restore_keeps_what_was_there(tmp_path: Path) -> None:
    make_database(tmp_path / "healthcheck.sqlite3", "now")
    make_database(tmp_path / "copy", "then")
    assert run_manage("restore", str(tmp_path / "copy"), "--data", str(tmp_path)).returncode == 0
    assert read_name(tmp_path / "healthcheck.sqlite3") == "then"
    assert [read_name(backup) for backup in (tmp_path / "backups").iterdir()] == ["now"]


def test_copy_holds_what_was_still_in_the_log(tmp_path: Path) -> None:
    make_database(tmp_path / "live", "before")
    with closing(sqlite3.connect(tmp_path / "live")) as reader, closing(sqlite3.connect(tmp_path / "live")) as writer:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM healthcheck_endpointgroup").fetchall()
        writer.execute("UPDATE healthcheck_endpointgroup SET name = 'after'")
        writer.commit()
        copy_database(tmp_path / "live", tmp_path / "copy")
    assert read_name(tmp_path / "copy") == "after"


def refuse(act: Callable[[Path, Path], None], *paths: Path) -> str:
    with pytest.raises(CommandError) as refused:
        act(*paths)
    return str(refused.value)


def test_copy_never_replaces_a_file(tmp_path: Path) -> None:
    make_database(tmp_path / "live", "live")
    there = tmp_path / "there"
    there.write_text("mine")
    assert refuse(copy_database, tmp_path / "live", there) == f"{there} is there already; choose another name."
    assert there.read_text() == "mine"
    assert list(tmp_path.glob(".copy-*")) == []


def test_copy_of_nothing_and_to_nowhere_is_refused(tmp_path: Path) -> None:
    live, nowhere = tmp_path / "live", tmp_path / "none" / "copy"
    said = refuse(copy_database, live, tmp_path / "copy")
    assert said == f"There is no database at {live}; name its folder with --data."
    live.write_text("this is no database, whatever it is called")
    said = refuse(copy_database, live, tmp_path / "copy")
    assert said == f"{live} cannot be copied (file is not a database); repair it, or restore an earlier copy."
    said = refuse(copy_database, live, nowhere)
    assert said == f"{nowhere} cannot be written (No such file or directory); choose another place."


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing", None, "cannot be restored (unable to open database file)"),
        ("text", b"this is no database, whatever it is called", "cannot be restored (file is not a database)"),
        ("a#b?c%41", b"", "is damaged or no copy of such a database"),
    ],
)
def test_what_is_no_copy_is_refused_and_changes_nothing(
    tmp_path: Path, name: str, content: bytes | None, sentence: str
) -> None:
    copy, database = tmp_path / name, tmp_path / "healthcheck.sqlite3"
    make_database(database, "live")
    kept = [tmp_path / "backups" / f"2026010{day}T000000000000.sqlite3" for day in range(1, KEPT_BACKUPS + 1)]
    kept[0].parent.mkdir()
    for each in kept:
        make_database(each, each.stem)
    if content is not None:
        copy.write_bytes(content)
    said = refusal("restore", str(copy), "--data", str(tmp_path))
    assert said == f"CommandError: {copy} {sentence}; choose another one.\n"
    assert read_name(database) == "live"
    assert sorted((tmp_path / "backups").iterdir()) == kept


def test_oldest_of_the_kept_copies_is_restored_and_stays(tmp_path: Path) -> None:
    make_database(tmp_path / "healthcheck.sqlite3", "now")
    (tmp_path / "backups").mkdir()
    kept = [tmp_path / "backups" / f"2026010{day}T000000000000.sqlite3" for day in range(1, KEPT_BACKUPS + 1)]
    for each in kept:
        make_database(each, each.stem)
    restored = run_manage("restore", str(kept[0]), "--data", str(tmp_path))
    assert (restored.returncode, restored.stderr) == (0, "")
    assert read_name(tmp_path / "healthcheck.sqlite3") == kept[0].stem
    assert {read_name(each) for each in (tmp_path / "backups").iterdir()} == {"now", *(each.stem for each in kept)}


def test_commands_name_those_of_postgresql_where_the_database_is_one(tmp_path: Path) -> None:
    said = refusal("backup", str(tmp_path / "copy"), DATABASE_URL="postgres://someone@nowhere/checks")
    assert "pg_dump" in said
    assert said.count("\n") == 1
