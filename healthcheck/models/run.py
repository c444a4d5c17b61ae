"""Runs: one group, one slot, one location. Every slot ends in exactly one named state, and this table says which."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from healthcheck.models.group import EndpointGroup
from healthcheck.models.location import Location


class Trigger(models.IntegerChoices):
    SCHEDULED = 1, _("scheduled")
    MANUAL = 2, _("manual")
    SIGNAL = 3, _("signal")


class RunStatus(models.IntegerChoices):
    QUEUED = 1, _("queued")
    RUNNING = 2, _("running")
    FINISHED = 3, _("finished")
    MISSED = 4, _("missed")
    ABANDONED = 5, _("abandoned")


class Reason(models.IntegerChoices):
    """Why a run did not finish. 0 in the column means none."""

    OVERLAP = 1, _("the run before was still under way")
    QUEUE = 2, _("no worker took it in time")
    SCHEDULER = 3, _("no scheduler was running")
    LEASE = 4, _("the worker was lost")
    SHUTDOWN = 5, _("the worker was shut down")
    CONFIGURATION = 6, _("the schedule cannot be read")


# Asked for by people and by jobs.
UNSCHEDULED = (Trigger.MANUAL, Trigger.SIGNAL)
UNFINISHED = (RunStatus.QUEUED, RunStatus.RUNNING)
# Over without a measurement.
LOST = (RunStatus.MISSED, RunStatus.ABANDONED)


class CheckRun(models.Model):
    # Not enforced: a group of millions of rows is removed in batches, and a run never waits for that.
    group = models.ForeignKey(
        EndpointGroup, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="runs"
    )
    location = models.ForeignKey(Location, on_delete=models.PROTECT, db_index=False, related_name="runs")
    trigger = models.PositiveSmallIntegerField(choices=Trigger.choices)
    status = models.PositiveSmallIntegerField(choices=RunStatus.choices)
    reason = models.PositiveSmallIntegerField(choices=Reason.choices, default=0)
    scheduled_for = models.DateTimeField()
    # The slot is open until the next one is due; after that nobody needs this run any more.
    open_until = models.DateTimeField()
    # When the evidence that this run may bring expires, from the schedule in force at the claim.
    valid_until = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # The fencing token: counts how often the run was taken. Only the last taker may record.
    token = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    # A gap is one missed run that covers [scheduled_for, gap_until) and so many slots.
    gap_until = models.DateTimeField(null=True)
    slot_count = models.PositiveIntegerField(default=1)
    up_count = models.PositiveIntegerField(default=0)
    degraded_count = models.PositiveIntegerField(default=0)
    down_count = models.PositiveIntegerField(default=0)
    unknown_count = models.PositiveIntegerField(default=0)
    # The gather's wall time, and the sum of the checks' own times: what running them one by one would have taken.
    wall_us = models.PositiveBigIntegerField(default=0)
    work_us = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        indexes = [
            # Read by the run history of a group, newest first, and by the pruner.
            models.Index(fields=["group", "-id"], name="hc_run_group"),
            # Read by every sweep and every claim. Not partial: SQLite uses a partial index only where the status stands
            # as a literal in the statement.
            models.Index(fields=["status", "group"], name="hc_run_status"),
            # Read by the start page on PostgreSQL: the newest that were lost, however many there were and are. SQLite
            # sorts what the index above finds.
            models.Index(fields=["scheduled_for"], name="hc_run_lost", condition=Q(status__in=LOST)),
            # Read by the roll-up, beside the constraint of the slots: which runs an hour had.
            models.Index(fields=["scheduled_for"], name="hc_run_unscheduled", condition=Q(trigger__in=UNSCHEDULED)),
        ]
        constraints = [
            # The net under the claim: one run per slot.
            models.UniqueConstraint(
                fields=["group", "location", "scheduled_for"],
                condition=Q(trigger=Trigger.SCHEDULED),
                name="hc_run_slot",
            ),
            # The net under the overlap rule: one unfinished run per group, location and trigger.
            models.UniqueConstraint(
                fields=["group", "location", "trigger"],
                condition=Q(status__in=UNFINISHED),
                name="hc_run_one_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"

    @property
    def lateness_ms(self) -> int | None:
        """From the slot to the start of the run; None for a run that never started."""
        if self.started_at is None:
            return None
        return round((self.started_at - self.scheduled_for).total_seconds() * 1000)


def find_lost_runs(since: datetime) -> QuerySet[CheckRun]:
    """Return the runs of slots after `since` that were missed or abandoned."""
    return CheckRun.objects.filter(status__in=LOST, scheduled_for__gt=since)
