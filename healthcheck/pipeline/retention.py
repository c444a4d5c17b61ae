"""How long what is kept: the deployment's settings, and the groups that have their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from healthcheck.conf import get_settings
from healthcheck.pipeline.marks import find_hour

HOURS_OF_DAY = 24


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that raw rows and rollups per hour are kept; those per day stay."""

    raw_days: int
    hour_days: int

    def override(self, raw_days: int | None, hour_days: int | None) -> Retention:
        """Return what holds for a group with these columns."""
        return Retention(raw_days or self.raw_days, hour_days or self.hour_days)

    def find_raw_cutoff(self, now: datetime) -> datetime:
        """Return the instant before which raw rows are old."""
        return now - timedelta(days=self.raw_days)

    def find_first_hour(self, now: datetime) -> int:
        """Return the first hour that is kept as one: always the first of a day, so that no day is kept in parts."""
        return (find_hour(now) - self.hour_days * HOURS_OF_DAY) // HOURS_OF_DAY * HOURS_OF_DAY


def read_retention() -> Retention:
    settings = get_settings()
    return Retention(settings.retention_days, settings.hour_retention_days)
