"""Times a call in this process: the median of nine after two."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

WARM, REQUESTS = 2, 9


def time_calls(act: Callable[[], Any]) -> str:
    """Return milliseconds, and those of them that this process computed."""
    spent = []
    for _ in range(WARM + REQUESTS):
        started, worked = time.perf_counter(), time.process_time()
        act()
        spent.append((time.perf_counter() - started, time.process_time() - worked))
    wall, cpu = (median(each) * 1000 for each in zip(*spent[WARM:], strict=True))
    return f"{wall:.0f} ms ({cpu:.0f} ms CPU)"
