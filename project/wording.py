"""The words of the deployment's admin where Django's would mislead: groups are of endpoints, accounts have roles."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _


def name_admin() -> None:
    """Give the admin its name, its start page the name that the sidebar uses, and groups of accounts theirs."""
    admin.site.site_title = admin.site.site_header = _("Health checks")
    admin.site.index_title = _("Start page")
    Group._meta.verbose_name, Group._meta.verbose_name_plural = _("role"), _("roles")
