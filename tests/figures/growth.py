"""What 100,000 group runs leave behind in a process that makes them: memory, sockets, tasks, threads, objects.

Groups of three targets, of which 30 % are faulted: every quick or slow behaviour of the hostile server, refused ports,
names that do not exist, fail or are never answered; forty groups at once on the engine's loop. One run in fifty goes
the whole way, from the claim to the stored row. After each hundredth of the runs, when nothing is under way, all of it
is counted; the first quarter warms up. What grew is the median of the last quarter less that of the second. It ends
early, and says so, where the machine does not make so many in half an hour; and it fails where something grew.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.figures.namespace import measure_inside
from tests.figures.table import Row

RUN_SECONDS, BOUND_SECONDS = 1700, 1900


def measure(size: int) -> Iterator[Row]:
    yield from measure_inside("marathon", size, seconds=BOUND_SECONDS)
