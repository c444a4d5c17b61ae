"""Rollups: what an hour or a day of an endpoint at a location came to. Recomputed as a whole, never added to.

Time is in whole milliseconds and sums up exactly, so that a day is its hours and a window is its days to the bit.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class RollupQuerySet(models.QuerySet["Rollup"]):
    def hours(self) -> RollupQuerySet:
        return self.filter(resolution=Resolution.HOUR)

    def days(self) -> RollupQuerySet:
        return self.filter(resolution=Resolution.DAY)


class Resolution(models.IntegerChoices):
    HOUR = 1, _("hour")
    DAY = 2, _("day")


class Rollup(models.Model):
    """One bucket of UTC. The states' times make up as much of it as the endpoint existed for."""

    # The one index: it makes rolling up twice harmless, and serves a window of an endpoint's history.
    pk = models.CompositePrimaryKey("resolution", "endpoint_id", "location_id", "number")
    # Hours or days since 1970 in UTC.
    number = models.IntegerField()
    endpoint_id = models.IntegerField()
    location_id = models.IntegerField()
    resolution = models.SmallIntegerField(choices=Resolution.choices)
    up_ms = models.IntegerField(default=0)
    degraded_ms = models.IntegerField(default=0)
    down_ms = models.IntegerField(default=0)
    unknown_ms = models.IntegerField(default=0)
    maintenance_ms = models.IntegerField(default=0)
    excluded_ms = models.IntegerField(default=0)
    # Results, and how many of them measured nothing.
    count = models.IntegerField(default=0)
    unknown_count = models.IntegerField(default=0)
    # Results per ErrorKind, by its number: {"1": 12}. Empty where there were none.
    error_counts = models.JSONField(default=dict)
    # `engine.latencies.pack` of the answered results: the total and each phase.
    latencies = models.BinaryField(default=b"")

    objects = RollupQuerySet.as_manager()

    class Meta:
        verbose_name = _("rollup")
        verbose_name_plural = _("rollups")

    def __str__(self) -> str:
        return f"{Resolution(self.resolution).label} {self.number} of endpoint {self.endpoint_id}"


class RollupMark(models.Model):
    """Hours that are to be rolled up again: a late result, a late transition, a correction, a maintenance window.

    The mark goes in the transaction that rolls the hours up, if nobody has changed it since it was read.
    """

    endpoint_id = models.IntegerField()
    location_id = models.IntegerField()
    # The first of so many.
    hour = models.IntegerField()
    hours = models.IntegerField(default=1, db_default=1)
    # How often it was marked since.
    serial = models.IntegerField(default=0, db_default=0)

    class Meta:
        verbose_name = _("rollup mark")
        verbose_name_plural = _("rollup marks")
        constraints = [
            # Read by every roll-up; keeps ten late results of an hour at one mark.
            models.UniqueConstraint(fields=["endpoint_id", "location_id", "hour"], name="hc_rollup_mark"),
        ]

    def __str__(self) -> str:
        return f"hour {self.hour} of endpoint {self.endpoint_id}"


class RollupProgress(models.Model):
    """Up to which hour a group at a location is rolled up. Everything before it is only touched through marks."""

    pk = models.CompositePrimaryKey("group_id", "location_id")
    group_id = models.IntegerField()
    location_id = models.IntegerField()
    # The first hour since 1970 that is not rolled up yet.
    next_hour = models.IntegerField()
    # Counts what was written of the group at the location: who has read before somebody else wrote begins again.
    serial = models.IntegerField(default=0, db_default=0)

    class Meta:
        verbose_name = _("rollup progress")
        verbose_name_plural = _("rollup progress")

    def __str__(self) -> str:
        return f"group {self.group_id} up to hour {self.next_hour}"
