"""Copies the SQLite database into a file while everything runs."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from project.embedded.copies import copy_database, find_database
from project.embedded.data_directory import find_data_directory


class Command(BaseCommand):
    help = "Copies the SQLite database into a file of its own, whole, while everything runs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="The copy. It must not exist yet.")
        parser.add_argument("--data", help="The data directory of `up` (default: data in the checkout).")

    def handle(self, *args: Any, **options: Any) -> None:
        database = find_database(find_data_directory(options["data"]))
        copy_database(database, options["file"])
        self.stdout.write(f"{options['file']} is a copy of {database}. Keep it as private as the database.")
