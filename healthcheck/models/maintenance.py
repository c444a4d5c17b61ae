"""Maintenance: windows that people plan, and the spans of each endpoint that came of them.

A span is a fact: what was in force when it happened stays, however its window, group or tags are edited afterwards.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from healthcheck.models.endpoint import Endpoint
from healthcheck.models.group import EndpointGroup
from healthcheck.models.tag import Tag

MAX_RECURRENCE_LENGTH = 500


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
        _("announced ahead (hours)"), default=48, help_text=_("How long before its start pages announce it.")
    )
    covers_all = models.BooleanField(_("covers every endpoint"), default=False)
    groups = models.ManyToManyField(EndpointGroup, blank=True, related_name="+", verbose_name=_("groups"))
    endpoints = models.ManyToManyField(Endpoint, blank=True, related_name="+", verbose_name=_("endpoints"))
    tags = models.ManyToManyField(
        Tag, blank=True, related_name="+", verbose_name=_("tags"), help_text=_("Of endpoints and of groups.")
    )
    # Ended by hand: nothing of it holds from then on.
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)

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


class WindowClock(models.Model):
    """The machine's side of a window: up to when its spans are written. Never in one row with what people write."""

    window = models.OneToOneField(MaintenanceWindow, on_delete=models.CASCADE, primary_key=True, related_name="clock")
    spanned_until = models.DateTimeField()
    # When there is next something to do; None for a window that is over for good.
    next_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("window clock")
        verbose_name_plural = _("window clocks")
        indexes = [
            # Read by every sweep: windows that start or end.
            models.Index(fields=["next_at"], name="hc_window_next"),
        ]

    def __str__(self) -> str:
        return f"clock of window {self.window_id}"


class MaintenanceSpan(models.Model):
    """An endpoint was, is or is about to be in maintenance. Kept as long as its endpoint, like its transitions."""

    endpoint_id = models.IntegerField()
    # Outlives the window: no foreign key.
    window_id = models.IntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        verbose_name = _("maintenance span")
        verbose_name_plural = _("maintenance spans")
        constraints = [
            # Read by the take of a run, by pages and by the arithmetic of uptime; writing a span twice is harmless.
            models.UniqueConstraint(fields=["endpoint_id", "starts_at", "window_id"], name="hc_span_endpoint"),
            models.CheckConstraint(condition=Q(ends_at__gte=F("starts_at")), name="hc_span_order"),
        ]
        indexes = [
            # Read when a window is edited or ended: its spans that are not over.
            models.Index(fields=["window_id", "ends_at"], name="hc_span_window"),
        ]

    def __str__(self) -> str:
        return f"maintenance of endpoint {self.endpoint_id}"
