"""Reads and moves clocks. Machines agree on the database's time, so that no wrong clock of one machine loses a slot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.utils import timezone

from healthcheck.models import EndpointGroup


def read_database_clock() -> datetime:
    """Return the database's time, in UTC."""
    if connection.vendor != "postgresql":
        # The database is a file of this machine: its clock is ours.
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        instant: datetime = cursor.fetchone()[0]
    return instant


def restart_clocks(group_ids: Sequence[int], now: datetime) -> None:
    """Let groups run at once and then on their phase, as after a change of their schedule or a pause."""
    EndpointGroup.objects.filter(pk__in=group_ids).update(next_run_at=now)
