"""What the database's absence costs, again and again: results lost, stored twice, false verdicts, broken chains.

Eight groups of five healthy endpoints that answer after 0.3 s, every 4 s; one worker, one scheduler, one broker.
PostgreSQL is stopped in good order, at once, or killed, and started again; on SQLite another process holds the lock
that every writer needs. Each outage lasts 0.1 to 14 s: shorter than a check, and longer than a run's lease of 8 s.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.figures.namespace import measure_inside
from tests.figures.table import Row

BOUND_SECONDS = 2400


def measure(size: int) -> Iterator[Row]:
    yield from measure_inside("outages", size, seconds=BOUND_SECONDS)
