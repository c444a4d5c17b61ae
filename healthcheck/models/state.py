"""What is known about an endpoint now, and every change of it. Written by machines only."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from healthcheck.engine.types import State
from healthcheck.models.endpoint import Endpoint
from healthcheck.models.location import Location
from healthcheck.models.result import ERROR_KIND_CHOICES, PHASE_CHOICES, STATE_CHOICES

# Verdicts kept in the strip, newest last, one digit each.
STRIP_LENGTH = 60


class EndpointState(models.Model):
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, db_index=False, related_name="states")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, db_index=False, related_name="states")
    # The standing of `engine.transitions`.
    state = models.PositiveSmallIntegerField(choices=STATE_CHOICES, default=State.UNKNOWN.value)
    since = models.DateTimeField(null=True)
    known_state = models.PositiveSmallIntegerField(choices=STATE_CHOICES, default=State.UNKNOWN.value)
    candidate = models.PositiveSmallIntegerField(choices=STATE_CHOICES, default=State.UNKNOWN.value)
    candidate_streak = models.PositiveSmallIntegerField(default=0)
    candidate_at = models.DateTimeField(null=True)
    # The last outcome, a verdict that measured nothing included.
    last_run_id = models.BigIntegerField(default=0)
    # The slot that was to follow the last one; those from it to the next that is seen show as no data in the strip.
    next_slot_at = models.DateTimeField(null=True)
    last_observed_at = models.DateTimeField(null=True)
    last_verdict = models.PositiveSmallIntegerField(choices=STATE_CHOICES, default=State.UNKNOWN.value)
    last_error_kind = models.PositiveSmallIntegerField(choices=ERROR_KIND_CHOICES, default=0)
    last_phase = models.PositiveSmallIntegerField(choices=PHASE_CHOICES, default=0)
    last_latency_us = models.PositiveIntegerField(default=0)
    last_http_status = models.PositiveSmallIntegerField(default=0)
    # The evidence: when it was gathered, and until when it may be believed.
    evidence_at = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)
    strip = models.CharField(max_length=STRIP_LENGTH, default="", blank=True)

    class Meta:
        verbose_name = _("endpoint state")
        verbose_name_plural = _("endpoint states")
        indexes = [
            # Read by every sweep: evidence that has expired. Not partial, for SQLite's sake; see CheckRun.
            models.Index(fields=["valid_until"], name="hc_state_valid"),
            # Read by every sweep, with the states as literals: what is down and in no incident. Partial, so that a run
            # in which all is up writes nothing into it.
            models.Index(
                fields=["endpoint"],
                name="hc_state_bad",
                condition=Q(state__in=(State.DEGRADED.value, State.DOWN.value)),
            ),
        ]
        constraints = [
            # Read by record, the admin's lists and the status pages.
            models.UniqueConstraint(fields=["endpoint", "location"], name="hc_state_endpoint"),
        ]

    def __str__(self) -> str:
        return State(self.state).word


class Transition(models.Model):
    """A change of state, the source of uptime. Kept for ever, so nothing in it points at rows that are pruned."""

    endpoint_id = models.IntegerField()
    location = models.ForeignKey(Location, on_delete=models.PROTECT, db_index=False, related_name="+")
    from_state = models.PositiveSmallIntegerField(choices=STATE_CHOICES)
    to_state = models.PositiveSmallIntegerField(choices=STATE_CHOICES)
    # The first evidence of the new state, and when its threshold was reached.
    at = models.DateTimeField()
    confirmed_at = models.DateTimeField()
    error_kind = models.PositiveSmallIntegerField(choices=ERROR_KIND_CHOICES, default=0)

    class Meta:
        verbose_name = _("transition")
        verbose_name_plural = _("transitions")
        indexes = [
            # Read by an endpoint's history and by the arithmetic of uptime.
            models.Index(fields=["endpoint_id", "location", "at"], name="hc_transition_at"),
        ]

    def __str__(self) -> str:
        return f"{State(self.from_state).word} to {State(self.to_state).word}"
