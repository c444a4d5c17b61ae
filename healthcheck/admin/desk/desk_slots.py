"""Slots that brought nothing, by reason, and how late the others began. Bounded however bad the day was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Avg,
    Count,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    IntegerField,
    Max,
    Q,
    Subquery,
    Sum,
)
from django.db.models.functions import Coalesce

from healthcheck.models import CheckRun, Reason, RunStatus, Trigger
from healthcheck.models.run import find_lost_runs

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# A run that begins later than this after its slot is late: two ticks, which are a second apart at most.
LATE_AFTER = timedelta(seconds=2)
# Rows read to count: beyond them the page says "more than".
LOST_READ = 5_000
# The newest runs among which late ones are counted; ids grow with time, so that they are one range of the key.
RECENT_READ = 10_000
LOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Lost:
    """Slots that were lost for one reason, in the last hour and in the last day."""

    status: RunStatus
    reason: Reason | None
    hour: int
    day: int


@dataclass(frozen=True, slots=True)
class Slots:
    """`is_capped` says that more was lost than was counted. Lateness is that of the newest scheduled runs."""

    lost: Sequence[Lost]
    is_capped: bool
    newest: Sequence[CheckRun]
    begun: int
    late: int
    mean_lateness: timedelta
    worst_lateness: timedelta


def load_slots(now: datetime) -> Slots:
    """Return what was lost and late, in three queries."""
    lost, read = _count_lost(now)
    newest = find_lost_runs(now - DAY).select_related("group").order_by("-scheduled_for")[:LOST_SHOWN]
    lateness = _measure_lateness(now)
    return Slots(
        lost=lost,
        is_capped=read >= LOST_READ,
        newest=list(newest),
        begun=lateness["begun"],
        late=lateness["late"],
        mean_lateness=lateness["mean"] or timedelta(),
        worst_lateness=lateness["worst"] or timedelta(),
    )


def _count_lost(now: datetime) -> tuple[list[Lost], int]:
    lost = find_lost_runs(now - DAY)
    # As a bound on the slot and not as a list of keys, which PostgreSQL looks for in the whole table.
    last_read = lost.order_by("-scheduled_for").values("scheduled_for")[LOST_READ - 1 : LOST_READ]
    in_last_hour = Q(scheduled_for__gt=now - HOUR)
    counted = (
        lost.filter(scheduled_for__gte=Coalesce(Subquery(last_read), now - DAY, output_field=DateTimeField()))
        .order_by()
        .values_list("status", "reason")
        .annotate(runs=Count("pk"), hour=Coalesce(Sum("slot_count", filter=in_last_hour), 0), day=Sum("slot_count"))
    )
    worst_first = sorted(counted, key=lambda row: -row[-1])
    found = [
        Lost(RunStatus(status), Reason(reason) if reason else None, hour, day)
        for status, reason, _runs, hour, day in worst_first
    ]
    return found, sum(runs for _status, _reason, runs, _hour, _day in worst_first)


def _measure_lateness(now: datetime) -> dict[str, Any]:
    newest_id = CheckRun.objects.order_by("-pk").values("pk")[:1]
    recent = CheckRun.objects.filter(
        pk__gt=Coalesce(Subquery(newest_id), 0, output_field=IntegerField()) - RECENT_READ,
        scheduled_for__gt=now - HOUR,
        started_at__isnull=False,
        trigger=Trigger.SCHEDULED,
    )
    lateness = ExpressionWrapper(F("started_at") - F("scheduled_for"), output_field=DurationField())
    return recent.annotate(lateness=lateness).aggregate(
        begun=Count("pk"),
        late=Count("pk", filter=Q(lateness__gt=LATE_AFTER)),
        mean=Avg("lateness"),
        worst=Max("lateness"),
    )
