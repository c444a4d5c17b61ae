"""What faults of our own side cost: the worker stopped, starved, out of file handles; name server, route, database and
broker away. Every target is healthy throughout, so that every "down" is false.

Four groups of fifty endpoints by name, each of which answers after 0.4 s (timeout 1.5 s), every 2 s; one worker, one
scheduler, one broker, one name server, in a network of their own. The faults come in turn, each for 0.2 to 7 s, until
so many slots of endpoints (a slot of a group is one of each of its members) fell into a fault: those due while it
lasted, and in the 1.8 s, a group's deadline, before and after it. Of the results all count, those between faults too.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.figures.namespace import measure_inside
from tests.figures.table import Row

BOUND_SECONDS = 900


def measure(size: int) -> Iterator[Row]:
    yield from measure_inside("ordeal", size, seconds=BOUND_SECONDS)
