"""The pulses of our own processes: one row per scheduler that ticks and one per worker. How pages know that the checker
itself is behind."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from healthcheck.models.location import Location

# The node of all schedulers that have stopped in good order: pages read when the last of them ticked.
SIGNED_OFF = ""
# Three pulses of ten seconds: one may be late, two are not.
WORKER_SILENT_AFTER = timedelta(seconds=35)


class Tick(models.Model):
    node = models.CharField(max_length=200, unique=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("tick")
        verbose_name_plural = _("ticks")

    def __str__(self) -> str:
        return self.node


class WorkerPulseQuerySet(models.QuerySet["WorkerPulse"]):
    def alive(self, now: datetime) -> WorkerPulseQuerySet:
        return self.filter(at__gte=now - WORKER_SILENT_AFTER)

    def with_spool(self, now: datetime) -> WorkerPulseQuerySet:
        """Keep the living with results that wait or were dropped. What a dead one left is another one's soon."""
        spool = models.Q(spooled_count__gt=0) | models.Q(dropped_count__gt=0)
        return self.alive(now).filter(spool).order_by("spooled_since", "node")


class WorkerPulse(models.Model):
    node = models.CharField(max_length=200, unique=True)
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="workers")
    started_at = models.DateTimeField()
    at = models.DateTimeField()
    # Celery's pool by name, and how many runs it may have under way.
    pool = models.CharField(max_length=50, blank=True, default="")
    concurrency = models.PositiveIntegerField(default=0)
    # Results that wait in its spool, in files begun at the earliest then, and how many it had to drop since it began.
    # Defaults of the database: an older release writes its pulse without them.
    spooled_count = models.PositiveIntegerField(default=0, db_default=0)
    spooled_since = models.DateTimeField(null=True)
    dropped_count = models.PositiveIntegerField(default=0, db_default=0)

    objects = WorkerPulseQuerySet.as_manager()

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.node
