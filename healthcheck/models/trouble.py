"""Troubles of the checker itself: one row for each that there is or was, so that each is told once, and its end."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

MAX_NAME_LENGTH = 50


class Trouble(models.Model):
    # Such as "scheduler", or "workers 3" for those of the location 3.
    name = models.CharField(max_length=MAX_NAME_LENGTH, primary_key=True)
    sentence = models.CharField(max_length=300)
    since = models.DateTimeField()
    # When it was told: what is over within moments is told to nobody.
    told_at = models.DateTimeField(null=True)
    # None while it lasts.
    over_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("trouble of the checker")
        verbose_name_plural = _("troubles of the checker")

    def __str__(self) -> str:
        return self.name
