"""Corrections: what an operator says that an interval of an endpoint really was. Never edited and never removed.

One that was wrong is withdrawn, and the row says by whom: the history of corrections is this table.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NoReturn

from django.conf import settings
from django.db import IntegrityError, models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class CorrectionQuerySet(models.QuerySet["Correction"]):
    def standing(self) -> CorrectionQuerySet:
        """Leave out what was withdrawn."""
        return self.filter(withdrawn_at__isnull=True)

    def overlapping(self, endpoint_ids: Iterable[int], *, start: datetime, end: datetime) -> CorrectionQuerySet:
        return self.filter(endpoint_id__in=endpoint_ids, starts_at__lt=end, ends_at__gt=start)

    def delete(self) -> NoReturn:
        _refuse_removal()

    # What Django asks of a method that changes rows: templates and related managers do not reach it.
    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def remove_with_endpoint(self, endpoint_id: int) -> int:
        """Remove what hangs on an endpoint whose own row has gone. For the pruner alone."""
        return self.filter(endpoint_id=endpoint_id)._raw_delete(self.db)


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

    objects = CorrectionQuerySet.as_manager()

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

    def delete(self, *args: object, **kwargs: object) -> NoReturn:
        _refuse_removal()


def _refuse_removal() -> NoReturn:
    # What PostgreSQL answers by itself; SQLite empties whole databases row by row, and must be able to.
    raise IntegrityError("A correction is never removed; withdraw it.")
