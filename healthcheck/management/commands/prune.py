"""Prunes by hand what the scheduler prunes every minute."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from healthcheck.conf import get_settings
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.prune import prune
from healthcheck.pipeline.roll_up import find_backlog


class Command(BaseCommand):
    help = (
        "Removes raw rows by age once their hour is rolled up, rollups per hour by age, and endpoints and groups that "
        "were deleted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--days",
            type=int,
            help="Keep so many days instead of HEALTHCHECK['RETENTION_DAYS']; groups with their own keep those.",
        )
        parser.add_argument("--seconds", type=float, default=600.0, help="Stop after this time (default: 600).")

    def handle(self, *args: Any, **options: Any) -> None:
        days = get_settings().retention_days if options["days"] is None else options["days"]
        if days < 1:
            raise CommandError("--days must be 1 or more; the newest rows are what the pages show.")
        pruned = prune(read_database_clock(), retention=timedelta(days=days), budget_seconds=options["seconds"])
        self.stdout.write(
            f"Removed {pruned.results} results, {pruned.runs} runs, {pruned.hours} hours, {pruned.endpoints} endpoints "
            f"and {pruned.groups} groups."
        )
        backlog = find_backlog(read_database_clock())
        if backlog.hours or backlog.marks:
            self.stdout.write("Not everything is rolled up, and what is not stays: see `manage.py roll_up`.")
        if not pruned.is_complete:
            self.stdout.write("The time was over first; run it again to go on.")
