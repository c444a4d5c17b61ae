"""What goes down and up again and again: when that is one story, and which threshold would have kept it quiet. Pure."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby

from healthcheck.engine.types import State

# So many failures within the window are flapping: the third time tells nobody anything new.
MIN_FALLS = 3
WINDOW = timedelta(hours=1)
# Up for so long, it has come to rest. Much shorter than the window, so that its end is told the same day it happens.
CALM = timedelta(minutes=15)
# What nobody would set by hand. A longer failure is an outage, and people want to hear of it.
MAX_SUGGESTED = 10


def is_flapping(falls: int) -> bool:
    """Return whether so many failures within the window are flapping."""
    return falls >= MIN_FALLS


def suggest_threshold(strip: str) -> int | None:
    """Return the failure threshold under which the failures of a strip of verdicts would have changed nothing.

    None where there were none, or where they lasted: a threshold is no cure for an outage. What is unknown counts for
    neither side, as in a streak.
    """
    known = [verdict for verdict in strip if int(verdict) != State.UNKNOWN]
    streaks = [len(list(run)) for is_bad, run in groupby(known, lambda verdict: int(verdict) > State.UP) if is_bad]
    longest = max(streaks, default=0)
    return longest + 1 if 0 < longest < MAX_SUGGESTED else None


def describe_flapping(falls: int, threshold: int | None) -> str:
    """Return the sentences that people read."""
    calm = round(CALM.total_seconds() / 60)
    said = f"It failed {falls} times within an hour and is held open until it has been up for {calm} minutes."
    return said if threshold is None else f"{said} A failure threshold of {threshold} would have kept it quiet."
