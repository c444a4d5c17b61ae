"""Texts that people begin an update with, written on a quiet day."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from healthcheck.models.incident import STAGE_CHOICES

MAX_TEMPLATE_LENGTH = 2000


class UpdateTemplate(models.Model):
    id = models.AutoField(primary_key=True)
    name = models.CharField(
        _("name"),
        max_length=200,
        unique=True,
        error_messages={"unique": _("There is already a template with this name; choose another.")},
    )
    stage = models.PositiveSmallIntegerField(_("stage"), choices=STAGE_CHOICES)
    text = models.TextField(
        _("text"),
        max_length=MAX_TEMPLATE_LENGTH,
        help_text=_("Markdown. {title}, {endpoints} and {since} stand for those of the incident."),
    )

    class Meta:
        verbose_name = _("template of an update")
        verbose_name_plural = _("templates of updates")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
