"""Incidents: what broke, since when, and what people did about it. Only the pipeline writes these rows.

One that came of transitions has a cause, and at most one open incident has the same. Whom it concerns are its members.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from healthcheck.engine.incidents import Severity, Stage
from healthcheck.models.policy import SEVERITY_CHOICES
from healthcheck.models.result import ERROR_KIND_CHOICES, STATE_CHOICES

STAGE_CHOICES = [
    (Stage.INVESTIGATING.value, _("investigating")),
    (Stage.IDENTIFIED.value, _("identified")),
    (Stage.MONITORING.value, _("monitoring")),
    (Stage.RESOLVED.value, _("resolved")),
]


class IncidentQuerySet(models.QuerySet["Incident"]):
    def open(self) -> IncidentQuerySet:
        return self.filter(resolved_at__isnull=True)

    def waiting(self, now: datetime) -> IncidentQuerySet:
        """Leave out what somebody has acknowledged or snoozed."""
        awake = Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now)
        return self.open().filter(awake, acknowledged_at__isnull=True)


class Incident(models.Model):
    # Empty for one that came of transitions: it is named by its cause.
    title = models.CharField(_("title"), max_length=200, blank=True, default="")
    is_manual = models.BooleanField(default=False, editable=False)
    severity = models.PositiveSmallIntegerField(_("severity"), choices=SEVERITY_CHOICES, default=Severity.DOWN.value)
    stage = models.PositiveSmallIntegerField(_("stage"), choices=STAGE_CHOICES, default=Stage.INVESTIGATING.value)
    is_public = models.BooleanField(_("shown on status pages"), default=False)
    started_at = models.DateTimeField(_("start"))
    resolved_at = models.DateTimeField(_("end"), null=True, blank=True, editable=False)
    # The cause: what its first members had in common. `cause_key` is empty for a manual one.
    cause_key = models.CharField(max_length=300, blank=True, default="", editable=False)
    group_id = models.IntegerField(null=True, editable=False)
    location_id = models.IntegerField(null=True, editable=False)
    error_kind = models.PositiveSmallIntegerField(choices=ERROR_KIND_CHOICES, default=0, editable=False)
    cause_host = models.CharField(max_length=255, blank=True, default="", editable=False)
    # Members now, the most there were, and of how many that the group then checked.
    open_count = models.PositiveIntegerField(default=0, editable=False)
    peak_count = models.PositiveIntegerField(default=0, editable=False)
    checked_count = models.PositiveIntegerField(default=0, editable=False)
    # How often members came back and failed again: it is held open while they flap.
    flap_count = models.PositiveIntegerField(default=0, editable=False)
    # Since when nobody is told of it: what its members depend on is down. The parent is the incident of that, which is
    # None while that is in maintenance.
    muted_at = models.DateTimeField(null=True, editable=False)
    parent = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="affected", editable=False
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True, editable=False)
    acknowledged_by_name = models.CharField(max_length=200, blank=True, default="", editable=False)
    snoozed_until = models.DateTimeField(null=True, blank=True, editable=False)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    # What people wrote about it afterwards, in Markdown.
    post_mortem = models.TextField(_("post-mortem"), max_length=20_000, blank=True, default="")

    objects = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ["-started_at", "-id"]
        permissions = [("operate_incident", "Can operate incidents (acknowledge, snooze, assign, resolve)")]
        constraints = [
            # Two workers that see the same cause at once open one incident.
            models.UniqueConstraint(
                fields=["cause_key"], condition=Q(resolved_at__isnull=True) & ~Q(cause_key=""), name="hc_incident_cause"
            ),
        ]
        indexes = [
            # Read by lists and by pages: the newest, and those of a period.
            models.Index(fields=["started_at"], name="hc_incident_start"),
            # Read by each record that changes a state, by each sweep and by every page: the few that are open.
            models.Index(fields=["group_id"], condition=Q(resolved_at__isnull=True), name="hc_incident_open"),
        ]

    def __str__(self) -> str:
        return self.title or f"incident {self.pk}"

    @property
    def is_held(self) -> bool:
        """Whether all have left it and it is open because they may be back: what flaps, until it has come to rest."""
        return self.resolved_at is None and not self.is_manual and self.peak_count > 0 and self.open_count == 0


class IncidentMember(models.Model):
    """An endpoint at a location that an incident concerns. `left_at` is None while it does."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="members", db_index=False)
    endpoint_id = models.IntegerField()
    # None for a member that people chose: it is concerned everywhere.
    location_id = models.IntegerField(null=True)
    state = models.PositiveSmallIntegerField(choices=STATE_CHOICES, default=0)
    error_kind = models.PositiveSmallIntegerField(choices=ERROR_KIND_CHOICES, default=0)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("member of an incident")
        verbose_name_plural = _("members of incidents")
        constraints = [
            # Nobody is in two open incidents of transitions at once, whoever records at the same moment.
            models.UniqueConstraint(
                fields=["endpoint_id", "location_id"],
                condition=Q(left_at__isnull=True, location_id__isnull=False),
                name="hc_incident_member",
            ),
        ]
        indexes = [
            # Read by the page of an incident and by its timeline.
            models.Index(fields=["incident", "joined_at"], name="hc_member_incident"),
            # Read by the history of an endpoint and by the pages that show it.
            models.Index(fields=["endpoint_id", "joined_at"], name="hc_member_endpoint"),
        ]

    def __str__(self) -> str:
        return f"endpoint {self.endpoint_id} in incident {self.incident_id}"


class IncidentUpdateKind(models.IntegerChoices):
    UPDATE = 1, _("update")
    NOTE = 2, _("note")
    ACKNOWLEDGED = 3, _("acknowledged")
    SNOOZED = 4, _("snoozed")
    ASSIGNED = 5, _("assigned")
    OPENED = 6, _("opened")
    RESOLVED = 7, _("resolved")
    REOPENED = 8, _("opened again")
    MUTED = 9, _("muted")
    FLAPPING = 10, _("flapping")


class IncidentUpdate(models.Model):
    """One entry of an incident's timeline. Never edited; members and deliveries are told from their own rows."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="updates", db_index=False)
    at = models.DateTimeField(_("time"))
    kind = models.PositiveSmallIntegerField(choices=IncidentUpdateKind.choices)
    # The stage that an update says; 0 in others.
    stage = models.PositiveSmallIntegerField(_("stage"), choices=STAGE_CHOICES, default=0)
    # Markdown, as a person wrote it; cleaned where it is shown.
    text = models.TextField(_("text"), max_length=5000, blank=True, default="")
    is_public = models.BooleanField(_("shown on status pages"), default=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    # Kept beside the key: accounts are deleted, what they did is not.
    author_name = models.CharField(_("author"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("incident update")
        verbose_name_plural = _("incident updates")
        indexes = [
            # Read by the timeline.
            models.Index(fields=["incident", "at"], name="hc_update_incident"),
        ]

    def __str__(self) -> str:
        return f"{IncidentUpdateKind(self.kind).label} of incident {self.incident_id}"
