"""Brings the database to this code's migrations: never backwards, and not without a copy of what was there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from project.embedded.data_directory import DataDirectory

KEPT_BACKUPS = 5
OPERATOR = "operator"


def prepare_database(data: DataDirectory, now: datetime) -> None:
    """Migrate, after a backup where there is something to lose.

    Raises CommandError for a database newer than the code, and what Django, sqlite3 and the file system raise.
    """
    executor = MigrationExecutor(connection)
    _refuse_newer(executor, data)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return
    if connection.vendor == "sqlite" and executor.loader.applied_migrations:
        back_up(Path(connection.settings_dict["NAME"]), data.backups, now=now)
    call_command("migrate", interactive=False, verbosity=0)


def _refuse_newer(executor: MigrationExecutor, data: DataDirectory) -> None:
    loader = executor.loader
    known = set(loader.disk_migrations)
    unknown = [key for key in loader.applied_migrations if key[0] in loader.migrated_apps and key not in known]
    if unknown:
        app, name = min(unknown)
        raise CommandError(
            f"The database is newer than this code (it has the migration {app}.{name}); update the code, restore one "
            f"of {data.backups}, or choose another folder with --data."
        )


def back_up(database: Path, backups: Path, *, now: datetime, spared: Path | None = None) -> Path:
    """Copy a live SQLite database, keep the newest copies and the `spared` one, and return the new one's path."""
    backups.mkdir(exist_ok=True)
    copy = backups / f"{now:%Y%m%dT%H%M%S%f}.sqlite3"
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    for old in sorted(backups.glob("*.sqlite3"))[:-KEPT_BACKUPS]:
        if spared is None or not old.samefile(spared):
            old.unlink()
    return copy


def ensure_operator() -> str:
    """Return the name of the oldest active superuser; without one, make an account that only the login link opens."""
    users = get_user_model()._default_manager
    account = users.filter(is_superuser=True, is_active=True).order_by("pk").first() or _create_operator()
    return account.get_username()


def _create_operator() -> User:
    users = get_user_model()._default_manager
    taken = set(users.filter(username__startswith=OPERATOR).values_list("username", flat=True))
    name = next(name for name in (OPERATOR, *(f"{OPERATOR}-{n}" for n in range(2, 1000))) if name not in taken)
    account = get_user_model()(username=name, is_staff=True, is_superuser=True)
    account.set_unusable_password()
    account.save()
    return account
