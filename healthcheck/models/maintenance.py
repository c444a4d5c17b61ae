"""Maintenance: windows that people plan, and the spans of each endpoint that came of them.

A span is a fact: what was in force when it happened stays, however its window, group or tags are edited afterwards.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from healthcheck.engine.recurrence import Occurrence, Timetable, parse_timetable, read_timetable
from healthcheck.engine.recurrence_text import MAX_RECURRENCE_LENGTH
from healthcheck.engine.types import ConfigurationError
from healthcheck.models.endpoint import Endpoint, EndpointQuerySet
from healthcheck.models.group import EndpointGroup
from healthcheck.models.tag import Tag

# Two weeks: what is further away is forgotten again before it begins.
MAX_ANNOUNCE_HOURS = 336


class WindowQuerySet(models.QuerySet["MaintenanceWindow"]):
    def running(self, now: datetime) -> WindowQuerySet:
        return self.filter(clock__open_until__gt=now)

    def planned(self, now: datetime) -> WindowQuerySet:
        return self.filter(clock__next_at__isnull=False).exclude(clock__open_until__gt=now)

    def over(self, now: datetime) -> WindowQuerySet:
        return self.filter(clock__next_at__isnull=True).exclude(clock__open_until__gt=now)


class MaintenanceWindow(models.Model):
    """One-off where `recurrence` is empty. Times are of a clock on the wall in `timezone`."""

    id = models.AutoField(primary_key=True)
    title = models.CharField(_("title"), max_length=200, help_text=_("Shown on status pages."))
    description = models.TextField(
        _("description"), max_length=2000, blank=True, default="", help_text=_("Shown on status pages.")
    )
    starts_at = models.DateTimeField(_("start"), help_text=_("The first one, where it recurs."))
    duration_seconds = models.PositiveIntegerField(_("duration (seconds)"))
    recurrence = models.CharField(
        _("recurrence"),
        max_length=MAX_RECURRENCE_LENGTH,
        blank=True,
        default="",
        help_text=_("An RRULE of RFC 5545, such as FREQ=WEEKLY;BYDAY=SU; empty for one time only."),
    )
    timezone = models.CharField(
        _("time zone"), max_length=64, default="UTC", help_text=_("In which it recurs, such as Europe/Berlin.")
    )
    is_public = models.BooleanField(_("announced on status pages"), default=True)
    announce_hours = models.PositiveSmallIntegerField(
        _("announced ahead (hours)"),
        default=48,
        validators=[MaxValueValidator(MAX_ANNOUNCE_HOURS)],
        help_text=_("How long before its start pages announce it."),
    )
    covers_all = models.BooleanField(_("covers every endpoint"), default=False)
    groups = models.ManyToManyField(EndpointGroup, blank=True, related_name="+", verbose_name=_("groups"))
    endpoints = models.ManyToManyField(Endpoint, blank=True, related_name="+", verbose_name=_("endpoints"))
    tags = models.ManyToManyField(
        Tag, blank=True, related_name="+", verbose_name=_("tags"), help_text=_("Of endpoints and of groups.")
    )
    # Ended by hand: an occurrence that held then ends there; later ones of a window that recurs come as planned.
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = WindowQuerySet.as_manager()

    class Meta:
        verbose_name = _("maintenance window")
        verbose_name_plural = _("maintenance windows")
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(duration_seconds__gt=0),
                name="hc_window_duration",
                violation_error_message=_("A maintenance window must end after it starts; set a later end."),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def timetable(self) -> Timetable:
        """When it holds. Raises ConfigurationError for what was never validated."""
        duration = timedelta(seconds=self.duration_seconds)
        return read_timetable(self.starts_at, duration, recurrence=self.recurrence, timezone=self.timezone)

    def cut(self, occurrence: Occurrence) -> Occurrence:
        """Return the occurrence as it is where it was ended by hand."""
        ended_at = self.ended_at
        is_cut = ended_at is not None and occurrence.starts_at <= ended_at < occurrence.ends_at
        return Occurrence(occurrence.starts_at, ended_at) if is_cut and ended_at else occurrence

    def find_open(self, instant: datetime) -> list[Occurrence]:
        """Return the occurrences that hold at `instant`."""
        cut = (self.cut(each) for each in self.timetable.find_open(instant))
        return [each for each in cut if each.ends_at > instant]

    def find_scope(self) -> EndpointQuerySet:
        """Return the endpoints that it covers, in one query however it names them."""
        existing = Endpoint.objects.existing().filter(group__deleted_at__isnull=True).order_by()
        if self.covers_all:
            return existing
        mine = {"maintenancewindow_id": self.pk}
        tags = MaintenanceWindow.tags.through.objects.filter(**mine).values("tag_id")
        groups = MaintenanceWindow.groups.through.objects.filter(**mine).values("endpointgroup_id")
        named = MaintenanceWindow.endpoints.through.objects.filter(**mine).values("endpoint_id")
        tagged = Endpoint.tags.through.objects.filter(tag_id__in=tags).values("endpoint_id")
        tagged_groups = EndpointGroup.tags.through.objects.filter(tag_id__in=tags).values("endpointgroup_id")
        return existing.filter(
            Q(pk__in=named) | Q(pk__in=tagged) | Q(group_id__in=groups) | Q(group_id__in=tagged_groups)
        )

    def clean(self) -> None:
        if self.starts_at is None or self.duration_seconds is None:
            # Refused by their own fields.
            return
        duration = timedelta(seconds=self.duration_seconds)
        try:
            parse_timetable(self.starts_at, duration, recurrence=self.recurrence, timezone=self.timezone)
        except ConfigurationError as error:
            raise ValidationError({error.field: error.sentence}) from None


class WindowClock(models.Model):
    """The machine's side of a window: up to when its spans are written. Never in one row with what people write."""

    window = models.OneToOneField(MaintenanceWindow, on_delete=models.CASCADE, primary_key=True, related_name="clock")
    spanned_until = models.DateTimeField()
    # When there is next something to do; None for a window that is over for good.
    next_at = models.DateTimeField(null=True)
    # What is running, and what comes next: read by lists and pages, which compute nothing. None, or an end in the past,
    # where there is none.
    open_since = models.DateTimeField(null=True)
    open_until = models.DateTimeField(null=True)
    next_starts_at = models.DateTimeField(null=True)
    next_ends_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("window clock")
        verbose_name_plural = _("window clocks")
        indexes = [
            # Read by every sweep: windows that start or end.
            models.Index(fields=["next_at"], name="hc_window_next"),
        ]

    def __str__(self) -> str:
        return f"clock of window {self.window_id}"


class SpanQuerySet(models.QuerySet["MaintenanceSpan"]):
    def holding(self, instant: datetime) -> SpanQuerySet:
        return self.filter(starts_at__lte=instant, ends_at__gt=instant)


class MaintenanceSpan(models.Model):
    """An endpoint was, is or is about to be in maintenance. Kept as long as its endpoint, like its transitions."""

    endpoint_id = models.IntegerField()
    # Outlives the window: no foreign key.
    window_id = models.IntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    objects = SpanQuerySet.as_manager()

    class Meta:
        verbose_name = _("maintenance span")
        verbose_name_plural = _("maintenance spans")
        constraints = [
            # Read by the arithmetic of uptime; writing a span twice is harmless.
            models.UniqueConstraint(fields=["endpoint_id", "starts_at", "window_id"], name="hc_span_endpoint"),
            models.CheckConstraint(condition=Q(ends_at__gte=F("starts_at")), name="hc_span_order"),
        ]
        indexes = [
            # Read when a window is edited or ended: its spans that are not over.
            models.Index(fields=["window_id", "ends_at"], name="hc_span_window"),
            # Read by the take of a run, by pages and before anybody is told: those of an endpoint that are not over.
            models.Index(fields=["endpoint_id", "ends_at"], name="hc_span_open"),
        ]

    def __str__(self) -> str:
        return f"maintenance of endpoint {self.endpoint_id}"


def find_endpoints_in_maintenance(endpoint_ids: Collection[int], at: datetime) -> set[int]:
    """Return those of the endpoints that are in maintenance at `at`, in one query: of them nobody is told."""
    rows = MaintenanceSpan.objects.holding(at).filter(endpoint_id__in=endpoint_ids)
    return set(rows.values_list("endpoint_id", flat=True))
