"""Puts a copy in the place of the SQLite database."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from project.embedded.copies import find_database, open_copy, restore_database
from project.embedded.data_directory import find_data_directory
from project.embedded.database import back_up
from project.embedded.lock import InstanceLock, require_platform


class Command(BaseCommand):
    help = "Puts a copy in the place of the SQLite database, which is copied into backups/ first. Stop `up` before."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="A copy, as `backup` makes it and as backups/ holds them.")
        parser.add_argument("--data", help="The data directory of `up` (default: data in the checkout).")

    def handle(self, *args: Any, **options: Any) -> None:
        require_platform()
        data = find_data_directory(options["data"])
        database = find_database(data)
        data.prepare()
        InstanceLock(data.lock).acquire()
        # Looked at first: a refusal changes nothing, and costs none of the copies that are kept.
        with open_copy(options["file"]) as source:
            if database.is_file():
                kept = back_up(database, data.backups, now=timezone.now(), spared=options["file"])
                self.stdout.write(f"What was there is kept as {kept}.")
            restore_database(source, database)
        self.stdout.write(f"{database} is now what {options['file']} holds.")
