"""What the arithmetic says of a history against what each second of it was; see `truth.py`."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from healthcheck.engine.uptime import Condition, Overlay, Step, Totals, find_segments, measure, measure_buckets
from tests.figures.truth import NOTHING

HOUR = 3600
WINDOWS = 200


def compare(drawn: bytes, steps: Sequence[Step], overlays: Sequence[Overlay], *, start: int) -> int:
    """Return how many seconds differ: drawn one by one, added up by hours, and over windows of any kind."""
    end, random = start + len(drawn), Random(len(drawn))
    segments = bytearray([NOTHING]) * len(drawn)
    for first, last, condition in find_segments(steps, overlays, start_ms=start * 1000, end_ms=end * 1000):
        segments[first // 1000 - start : last // 1000 - start] = bytes([condition]) * ((last - first) // 1000)
    differing = sum(one != other for one, other in zip(drawn, segments, strict=True)) if drawn != segments else 0
    bounds = [*range(start, end, HOUR), end]
    hours = measure_buckets(steps, overlays, [bound * 1000 for bound in bounds])
    for place, totals in enumerate(hours):
        differing += differ(totals, drawn[bounds[place] - start : bounds[place + 1] - start])
    for _ in range(WINDOWS):
        first, last = sorted(random.sample(range(len(drawn)), 2))
        totals = measure(steps, overlays, start_ms=(start + first) * 1000, end_ms=(start + last) * 1000)
        differing += differ(totals, drawn[first:last])
    return differing


def differ(totals: Totals, drawn: bytes) -> int:
    """Return by how many seconds the sums and the seconds differ, over all conditions; a part of one counts as one."""
    return sum(-(-abs(getattr(totals, f"{c.word}_ms") - drawn.count(c) * 1000) // 1000) for c in Condition)


def describe(drawn: bytes) -> str:
    """Say which shares of the time there are, so that nobody has to believe that all of them occur."""
    return ", ".join(f"{each.word} {drawn.count(each) / len(drawn):.1%}" for each in Condition)
