"""Counts what a faulted deployment may not have: slots without an end, holes, doubles, halves, false verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import NamedTuple

from django.db.models import Count, F, QuerySet

from healthcheck.engine.types import State
from healthcheck.models import CheckResult, CheckRun, EndpointGroup, Reason, RunStatus, Transition, Trigger
from healthcheck.models.run import UNFINISHED
from tests.figures.table import Row

# A tick may be so late at both ends of the window.
GRACE = timedelta(seconds=2)


class Window(NamedTuple):
    """The slots to judge: those due in [since, until), one per `interval` in every group of `members` endpoints."""

    since: datetime
    until: datetime
    interval: timedelta
    members: int

    @property
    def slots(self) -> QuerySet[CheckRun]:
        runs = CheckRun.objects.filter(trigger=Trigger.SCHEDULED)
        return runs.filter(scheduled_for__gte=self.since, scheduled_for__lt=self.until)


def audit(window: Window, *, how: str) -> Iterator[Row]:
    """Count, once nothing runs any more."""
    slots = window.slots
    count = sum(slots.values_list("slot_count", flat=True))
    finished = slots.filter(status=RunStatus.FINISHED).count()
    yield Row("slots without a terminal state", "0", str(slots.filter(status__in=UNFINISHED).count()), how)
    yield Row("slots without a row", "0", str(_count_holes(window)), "from one row to the next, in every group")
    yield Row("slots or results stored twice", "0", str(count_doubles()), "impossible by key")
    halves = _count_halves(window.members)
    yield Row("runs with some of their results", "0", str(halves), f"finished: {window.members}, all others: none")
    false = CheckResult.objects.judged(State.DOWN).count()
    changes = Transition.objects.filter(to_state=State.DOWN).count()
    yield Row("false down", "0", str(false + changes), f"{CheckResult.objects.count():,} results, all targets healthy")
    yield Row("slots that finished", "", f"{finished / count:.1%}", f"{count:,}: {_describe_ends(slots)}")


def _count_holes(window: Window) -> int:
    interval, holes = window.interval, 0
    rows = window.slots.order_by("group_id", "scheduled_for")
    by_group = {group_id: list(slots) for group_id, slots in groupby(rows, key=lambda run: run.group_id)}
    for group_id in EndpointGroup.objects.values_list("pk", flat=True):
        slots = by_group.get(group_id, [])
        holes += sum(a.scheduled_for + interval * a.slot_count != b.scheduled_for for a, b in pairwise(slots))
        holes += not slots or slots[0].scheduled_for - window.since > interval + GRACE
        holes += not slots or window.until - slots[-1].scheduled_for > interval * slots[-1].slot_count + GRACE
    return holes


def count_doubles() -> int:
    results = CheckResult.objects.order_by().values("endpoint_id", "run_id").annotate(n=Count("judgement"))
    runs = CheckRun.objects.filter(trigger=Trigger.SCHEDULED).order_by()
    slots = runs.values("group_id", "scheduled_for").annotate(n=Count("id"))
    return results.filter(n__gt=1).count() + slots.filter(n__gt=1).count()


def _count_halves(members: int) -> int:
    stored = dict(CheckResult.objects.order_by().values_list("run_id").annotate(n=Count("endpoint_id")))
    return sum(
        stored.get(run_id, 0) != (members if status == RunStatus.FINISHED else 0)
        for run_id, status in CheckRun.objects.values_list("pk", "status")
    )


def _describe_ends(slots: QuerySet[CheckRun]) -> str:
    ends = slots.order_by().values_list("status", "reason").annotate(n=Count("id")).order_by(F("n").desc())
    return ", ".join(
        f"{count} {RunStatus(status).label}" + (f" ({Reason(reason).label})" if reason else "")
        for status, reason, count in ends
    )
