from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from project.embedded.database import KEPT_BACKUPS, back_up, ensure_operator

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _make_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE kept (word text)")
        database.execute("INSERT INTO kept VALUES ('here')")


def test_backup_holds_what_was_there(tmp_path: Path) -> None:
    _make_database(tmp_path / "db")
    copy = back_up(tmp_path / "db", tmp_path / "backups", now=NOW)
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT word FROM kept").fetchall() == [("here",)]


def test_backup_keeps_the_newest(tmp_path: Path) -> None:
    _make_database(tmp_path / "db")
    copies = [
        back_up(tmp_path / "db", tmp_path / "backups", now=NOW + timedelta(seconds=n)) for n in range(KEPT_BACKUPS + 2)
    ]
    assert sorted((tmp_path / "backups").iterdir()) == copies[2:]


@pytest.mark.django_db
def test_operator_is_made_once_without_a_password() -> None:
    assert [ensure_operator(), ensure_operator()] == ["operator", "operator"]
    account = get_user_model()._default_manager.get()
    assert (account.is_superuser, account.is_staff, account.has_usable_password()) == (True, True, False)


@pytest.mark.django_db
def test_operator_is_the_superuser_that_exists() -> None:
    get_user_model()._default_manager.create_superuser("chief", password="x")
    assert ensure_operator() == "chief"


@pytest.mark.django_db
def test_operator_never_raises_the_rights_of_a_namesake() -> None:
    get_user_model()._default_manager.create_user("operator", password="x")
    assert ensure_operator() == "operator-2"
    assert not get_user_model()._default_manager.get(username="operator").is_superuser
