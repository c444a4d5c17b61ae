"""Claims due slots: each becomes exactly one run, whoever ticks, and however many do. Enqueues nothing.

1. The clock of the group moves on only if it still holds the value that was read; the row count names the winner, who
   holds the row until the end of the transaction.
2. A run that is still open makes the slot missed(overlap).
3. The run and, after a gap, one missed run for the slots that nobody claimed are inserted. The constraints are the net.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import DataError, IntegrityError, transaction
from django.db.models import Case, F, PositiveSmallIntegerField, QuerySet, Value, When

from healthcheck.engine.schedule import Gap, Plan, expiry
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import CheckRun, EndpointGroup, Location, Reason, RunStatus, Trigger
from healthcheck.models.run import UNFINISHED
from healthcheck.pipeline.statements import (
    MOVE_CLOCK,
    SELECT_UNFINISHED,
    change,
    fetch,
    insert_run,
    read_instant,
    write_instant,
)

logger = logging.getLogger(__name__)

# Claims of one tick, a few milliseconds each: the first run of a tick is published once the last is claimed. Where more
# is due, the next tick follows at once.
CLAIM_BATCH = 50
# What a run may need beyond its deadline: loading, storing, and a worker that is a little late to notice.
LEASE_MARGIN = timedelta(seconds=5)
# A run that its worker lost or gave back is taken so often in all, while its slot is open.
MAX_TAKES = 2
# A group that is to run at once while a run of it is under way is looked at again after this.
AT_ONCE_RETRY = timedelta(seconds=1)
# A schedule that cannot be read any more (a time zone that vanished from the system) is tried again after this.
UNREADABLE_RETRY = timedelta(hours=1)
REFUSED_RETRY = timedelta(minutes=1)


def claim_due_groups(now: datetime) -> list[int]:
    """Claim at most `CLAIM_BATCH` due groups and return the ids of the runs to publish, most overdue first."""
    location = Location.objects.default()
    claims = (_claim_alone(group, location, now) for group in EndpointGroup.objects.due(now)[:CLAIM_BATCH])
    return [run_id for run_id in claims if run_id is not None]


def _claim_alone(group: EndpointGroup, location: Location, now: datetime) -> int | None:
    try:
        return claim_group(group, location, now)
    except (IntegrityError, DataError) as error:
        # One group that the database refuses must not stop the clock of the others, tick after tick.
        logger.error("group cannot be claimed", extra={"group": group.pk, "error": type(error).__name__})
        EndpointGroup.objects.filter(pk=group.pk, next_run_at=group.next_run_at).update(next_run_at=now + REFUSED_RETRY)
        return None


def claim_group(group: EndpointGroup, location: Location, now: datetime) -> int | None:
    """Claim the slot of a group as it was read; the run to publish, or None when somebody else was first."""
    try:
        plan = group.schedule.plan(group.next_run_at, now, deadline=group.deadline)
    except ConfigurationError:
        logger.exception("schedule cannot be read", extra={"group": group.pk})
        plan = Plan(None, Gap(group.next_run_at, now, 1), now + UNREADABLE_RETRY)
        return _commit(group, location, plan, reason=Reason.CONFIGURATION, now=now)
    return _commit(group, location, plan, reason=Reason.SCHEDULER, now=now)


def _commit(group: EndpointGroup, location: Location, plan: Plan, *, reason: Reason, now: datetime) -> int | None:
    with transaction.atomic():
        if not change(MOVE_CLOCK, write_instant(plan.next_run_at), group.pk, write_instant(group.next_run_at)):
            return None
        is_open = _has_open_run(group, location, now)
        if is_open and plan.slot == group.next_run_at and not group.schedule.is_on_phase(plan.slot):
            # "At once" is no slot that could be missed: it waits for the run that may have begun before the change.
            EndpointGroup.objects.filter(pk=group.pk).update(next_run_at=now + AT_ONCE_RETRY)
            return None
        return _insert(group, location, plan, reason=reason, is_open=is_open, now=now)


def _has_open_run(group: EndpointGroup, location: Location, now: datetime) -> bool:
    unfinished = fetch(SELECT_UNFINISHED, group.pk, location.pk, *UNFINISHED)
    scheduled = next((row for row in unfinished if row[1] == Trigger.SCHEDULED), None)
    if scheduled is None:
        return False
    run_id, _, status, open_until = scheduled
    # A slot that nobody took is over with the next one, whether the sweeper has come by or not.
    is_over = status == RunStatus.QUEUED and read_instant(open_until) <= now
    return not (is_over and close_untaken(CheckRun.objects.filter(pk=run_id), now))


def close_untaken(runs: QuerySet[CheckRun], now: datetime) -> int:
    """End those of the queued runs whose slot is over; return how many."""
    over = runs.filter(status=RunStatus.QUEUED, open_until__lte=now)
    # One that was taken before was lost with its worker, and is no fault of the queue.
    reason = Case(
        When(reason=0, then=Value(Reason.LEASE.value)), default=F("reason"), output_field=PositiveSmallIntegerField()
    )
    lost = over.filter(token__gt=0).update(status=RunStatus.ABANDONED, reason=reason, finished_at=now)
    return lost + over.update(status=RunStatus.MISSED, reason=Reason.QUEUE, finished_at=now)


def _insert(  # noqa: PLR0913  # all of one claim, on its way into one insert
    group: EndpointGroup, location: Location, plan: Plan, *, reason: Reason, is_open: bool, now: datetime
) -> int | None:
    try:
        with transaction.atomic():
            return _insert_runs(group, location, plan, reason=reason, is_open=is_open, now=now)
    except IntegrityError:
        # The winner of the clock finds its slot taken only when the clock went back over it. Nobody else will check
        # the group until that hour has passed again, so it runs now, off its phase.
        again = replace(plan, slot=now if plan.slot else None, gap=None)
        with transaction.atomic():
            return _insert_runs(group, location, again, reason=reason, is_open=is_open, now=now)


def _insert_runs(  # noqa: PLR0913  # as above
    group: EndpointGroup, location: Location, plan: Plan, *, reason: Reason, is_open: bool, now: datetime
) -> int | None:
    if plan.gap is not None:
        insert_run(_build_gap(group, location, plan.gap, reason=reason))
    if plan.slot is None:
        return None
    columns = {"status": RunStatus.MISSED, "reason": Reason.OVERLAP} if is_open else {}
    run_id = insert_run(build_run(group, location, plan.slot, open_until=plan.next_run_at, **columns))
    return None if is_open else run_id


def build_run(
    group: EndpointGroup, location: Location, slot: datetime, *, open_until: datetime, **columns: object
) -> CheckRun:
    """Return an unsaved run of `slot`, with the expiry of the evidence that it may bring."""
    values: dict[str, object] = {"trigger": Trigger.SCHEDULED, "status": RunStatus.QUEUED} | columns
    return CheckRun(
        group=group,
        location=location,
        scheduled_for=slot,
        open_until=open_until,
        valid_until=expiry(slot, open_until, deadline=group.deadline, margin=LEASE_MARGIN),
        **values,
    )


def _build_gap(group: EndpointGroup, location: Location, gap: Gap, *, reason: Reason) -> CheckRun:
    return build_run(
        group,
        location,
        gap.start,
        open_until=gap.until,
        status=RunStatus.MISSED,
        reason=reason,
        gap_until=gap.until,
        slot_count=gap.count,
    )
