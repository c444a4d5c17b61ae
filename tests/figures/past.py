"""A past that is old enough to be pruned: stored, rolled up, and compared with itself once its raw rows are gone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from healthcheck.engine.types import State
from healthcheck.models import CheckResult, CheckRun, Endpoint, Resolution, Rollup, RollupMark, Transition
from healthcheck.pipeline.marks import find_hour, mark_hours
from healthcheck.pipeline.roll_up import GRACE, roll_up
from tests.factories import make_location
from tests.figures.raw_rows import store_evidence, store_results, store_runs
from tests.figures.table import Row

INTERVAL, DAY, MARGIN = timedelta(minutes=1), timedelta(days=1), timedelta(hours=1)
# What a group keeps until it is to be pruned, and then.
PAST_KEPT_DAYS, KEPT_DAYS = 60, 1
SECONDS = 1200.0
# Of an endpoint in ten, and of any other.
MANY_CHANGES, FEW_CHANGES = 61, 3
_KEY = ("resolution", "endpoint_id", "location_id", "number")
_VALUES = (
    "up_ms", "degraded_ms", "down_ms", "unknown_ms", "maintenance_ms", "excluded_ms", "count", "unknown_count",
    "error_counts",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Past:
    """Over at `ended`; `rollups` are digests of what it came to, of the hours and days before `rolled_up_at`."""

    ended: datetime
    last_run_id: int
    rolled_up_at: datetime
    rollups: dict[tuple[int, ...], bytes]

    def count(self, group_ids: Sequence[int]) -> int:
        """Count the raw results of these groups that are still there."""
        endpoints = Endpoint.objects.filter(group_id__in=group_ids).values("pk")
        return CheckResult.objects.filter(run_id__lte=self.last_run_id, endpoint_id__in=endpoints).count()

    def compare(self) -> Row:
        """Roll its last day up again, from what is left of it, and compare every rollup bit by bit."""
        endpoint_ids = list(Endpoint.objects.values_list("pk", flat=True))
        mark_hours(endpoint_ids, start=self.ended - DAY, end=self.ended, now=timezone.now())
        roll_up(timezone.now(), budget_seconds=SECONDS)
        if RollupMark.objects.exists():
            raise TimeoutError(f"one day was not rolled up again within {SECONDS:g} s")
        rollups = read_rollups(self.rolled_up_at)
        keys = self.rollups.keys() | rollups.keys()
        changed = sum(self.rollups.get(key) != rollups.get(key) for key in keys)
        how = f"of {len(keys):,} hours and days of {len(endpoint_ids):,} endpoints; the last day was rolled up again"
        return Row("rollups that are not the same to the bit after pruning", "0", str(changed), how)


def live_through(slots: int, *, members: int) -> Past:
    """Store a past of every group that is old enough to be pruned, and roll it up."""
    now = timezone.now()
    start = (now - KEPT_DAYS * DAY - MARGIN - slots * INTERVAL).replace(microsecond=0)
    _store_changes(start, slots * INTERVAL)
    store_runs(slots, members=members, start=start, interval=INTERVAL)
    store_results(seconds=SECONDS)
    store_evidence()
    if not roll_up(now, budget_seconds=SECONDS).is_complete:
        raise TimeoutError(f"the past was not rolled up within {SECONDS:g} s")
    last = CheckRun.objects.latest("pk")
    return Past(last.scheduled_for, last.pk, now, read_rollups(now))


def read_rollups(now: datetime) -> dict[tuple[int, ...], bytes]:
    """Return a digest of every rollup of the hours and days that a roll-up at `now` takes for over."""
    hour = find_hour(now - GRACE)
    is_over = Q(resolution=Resolution.HOUR, number__lt=hour) | Q(resolution=Resolution.DAY, number__lt=hour // 24)
    rows = Rollup.objects.filter(is_over).values_list(*_KEY, *_VALUES, "latencies").iterator()
    return {
        row[: len(_KEY)]: hashlib.sha256(repr((row[len(_KEY) : -1], bytes(row[-1]))).encode()).digest() for row in rows
    }


def _store_changes(start: datetime, span: timedelta) -> None:
    location = make_location()
    changes = []
    for pk in Endpoint.objects.values_list("pk", flat=True):
        count = FEW_CHANGES if pk % 10 else MANY_CHANGES
        for number in range(count):
            at, states = start + number * span / MANY_CHANGES, (State.DOWN, State.UP)
            before, after = states[number % 2] if number else State.UNKNOWN, states[(number + 1) % 2]
            change = Transition(endpoint_id=pk, location=location, from_state=before, to_state=after, at=at)
            change.confirmed_at = at
            changes.append(change)
    Transition.objects.bulk_create(changes, batch_size=1000)
