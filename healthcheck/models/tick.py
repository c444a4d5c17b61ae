"""The pulse of the schedulers: one row per process that ticks. How pages know that the checker itself is behind."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Tick(models.Model):
    node = models.CharField(max_length=200, unique=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("tick")
        verbose_name_plural = _("ticks")

    def __str__(self) -> str:
        return self.node
