"""Versions: what people defined, when, and who. One document per change, kept for ever, without a secret in it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class VersionAction(models.IntegerChoices):
    CREATED = 1, _("created")
    CHANGED = 2, _("changed")
    DELETED = 3, _("deleted")
    REVERTED = 4, _("reverted")
    IMPORTED = 5, _("imported")


class Version(models.Model):
    """What an object was defined as from `at` on. It outlives the object, so nothing in it is a foreign key to it."""

    # The model's name, such as endpoint or statuspage.
    kind = models.CharField(_("kind"), max_length=30)
    object_id = models.BigIntegerField()
    # Counts an object's versions from 1; what a form was opened with is compared with it when it is saved.
    number = models.PositiveIntegerField(_("version"))
    at = models.DateTimeField(_("time"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    # Kept beside the key: accounts are deleted, what they did is not.
    author_name = models.CharField(_("author"), max_length=200, blank=True, default="")
    action = models.PositiveSmallIntegerField(_("action"), choices=VersionAction.choices)
    name = models.CharField(_("name"), max_length=200, blank=True, default="")
    definition = models.JSONField(_("definition"), default=dict)
    comment = models.CharField(_("comment"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("version")
        verbose_name_plural = _("versions")
        constraints = [
            # Read by an object's history, newest first; two who save at once cannot both have the next number.
            models.UniqueConstraint(fields=["kind", "object_id", "number"], name="hc_version_number"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}, version {self.number}"
