"""The one clock that all machines agree on. Read by everybody: no wrong clock of one host loses a slot or hides one."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.utils import timezone


def read_database_clock() -> datetime:
    """Return the database's time, in UTC."""
    if connection.vendor != "postgresql":
        # The database is a file of this machine: its clock is ours.
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        instant: datetime = cursor.fetchone()[0]
    return instant
