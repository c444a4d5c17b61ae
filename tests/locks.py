"""Transactions side by side on PostgreSQL: one waits for another, and the test knows when it does."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import connection

WAIT_SECONDS = 30
PAUSE_SECONDS = 0.02
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def in_thread(pool: ThreadPoolExecutor, function: Callable[[], object]) -> Future[object]:
    """Call `function` on a connection of its own."""

    def call() -> object:
        try:
            return function()
        finally:
            connection.close()

    return pool.submit(call)


def wait_for_waiting(count: int = 1) -> None:
    """Return once so many connections wait for a lock."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            # Within a transaction the first look would be repeated for ever.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(_WAITING)
            if cursor.fetchone()[0] >= count:
                return
            # The server's own pause: it leaves the processor to those who are to arrive.
            cursor.execute("SELECT pg_sleep(%s)", [PAUSE_SECONDS])
    pytest.fail("nobody waits for a lock")
