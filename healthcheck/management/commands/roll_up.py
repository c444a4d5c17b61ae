"""Rolls up by hand what the scheduler asks a worker for every minute, and says how far it has come."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.roll_up import Backlog, find_backlog, roll_up
from healthcheck.pipeline.rollup_sources import read_hour_start
from healthcheck.pipeline.rollup_start import begin_histories

# How often it says how far it has come.
REPORT_SECONDS = 5.0


class Command(BaseCommand):
    help = "Rolls up hours that are over, oldest first, and hours that have changed since."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seconds", type=float, default=600.0, help="Stop after this time (default: 600).")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["seconds"] <= 0:
            raise CommandError("--seconds must be more than 0.")
        until = time.monotonic() + options["seconds"]
        rows, is_complete = 0, False
        begin_histories(read_database_clock())
        while not is_complete and time.monotonic() < until:
            self.stdout.write(_describe(find_backlog(read_database_clock())))
            left = until - time.monotonic()
            rolled_up = roll_up(read_database_clock(), budget_seconds=min(REPORT_SECONDS, left))
            rows, is_complete = rows + rolled_up.rows, rolled_up.is_complete
        self.stdout.write(f"Wrote {rows} rollups.")
        if not is_complete:
            self.stdout.write("The time was over first; run it again to go on.")


def _describe(backlog: Backlog) -> str:
    if backlog.oldest_hour is None:
        return f"Every hour is rolled up; {backlog.marks} marks wait."
    at = f"{read_hour_start(backlog.oldest_hour):%Y-%m-%d %H:%M}"
    return f"Rolled up to {at} UTC: {backlog.hours} hours of groups to go, {backlog.marks} marks."
