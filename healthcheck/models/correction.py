"""Corrections: what an operator says that an interval of an endpoint really was. Never edited and never removed.

One that was wrong is withdrawn, and the row says by whom: the history of corrections is this table.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class CorrectionEffect(models.IntegerChoices):
    MAINTENANCE = 1, _("maintenance")
    # What looked degraded or down was up.
    FALSE_ALARM = 2, _("false alarm")
    # Counts neither as good nor as bad.
    EXCLUDED = 3, _("excluded")


class Correction(models.Model):
    endpoint_id = models.IntegerField()
    starts_at = models.DateTimeField(_("start"))
    ends_at = models.DateTimeField(_("end"))
    effect = models.PositiveSmallIntegerField(_("effect"), choices=CorrectionEffect.choices)
    reason = models.CharField(_("reason"), max_length=500)
    is_public = models.BooleanField(_("reason shown on status pages"), default=False)
    at = models.DateTimeField(_("time"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    # Kept beside the key: accounts are deleted, what they did is not.
    author_name = models.CharField(_("author"), max_length=200, blank=True, default="")
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    withdrawn_by_name = models.CharField(max_length=200, blank=True, default="", editable=False)

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        indexes = [
            # Read by the arithmetic of uptime, and by an endpoint's pages.
            models.Index(fields=["endpoint_id", "starts_at"], name="hc_correction_at"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="hc_correction_order",
                violation_error_message=_("A correction must end after it starts; set a later end."),
            ),
        ]

    def __str__(self) -> str:
        return f"{CorrectionEffect(self.effect).label} of endpoint {self.endpoint_id}"
