"""The pulses of our own processes: one row per scheduler that ticks and one per worker. How pages know that the checker
itself is behind."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from healthcheck.models.location import Location

# The node of all schedulers that have stopped in good order: pages read when the last of them ticked.
SIGNED_OFF = ""


class Tick(models.Model):
    node = models.CharField(max_length=200, unique=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("tick")
        verbose_name_plural = _("ticks")

    def __str__(self) -> str:
        return self.node


class WorkerPulse(models.Model):
    node = models.CharField(max_length=200, unique=True)
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="workers")
    started_at = models.DateTimeField()
    at = models.DateTimeField()
    # Celery's pool by name, and how many runs it may have under way.
    pool = models.CharField(max_length=50, blank=True, default="")
    concurrency = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.node
