"""Status pages: what everyone may see."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from healthcheck.models.group import EndpointGroup

DEFAULT_SLUG = "status"


class StatusPage(models.Model):
    id = models.AutoField(primary_key=True)
    slug = models.SlugField(_("slug"), max_length=100, unique=True)
    title = models.CharField(_("title"), max_length=200)
    description = models.CharField(_("description"), max_length=500, blank=True, default="")
    shows_all_groups = models.BooleanField(
        _("shows every group"), default=False, help_text=_("Groups that are added later appear without being chosen.")
    )
    groups = models.ManyToManyField(EndpointGroup, blank=True, related_name="status_pages", verbose_name=_("groups"))

    class Meta:
        verbose_name = _("status page")
        verbose_name_plural = _("status pages")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.title
