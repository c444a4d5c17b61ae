"""The app's configuration: registers system checks, touches no database."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.core.signals import setting_changed
from django.utils.translation import gettext_lazy as _

from healthcheck import conf


class HealthcheckConfig(AppConfig):
    name = "healthcheck"
    verbose_name = _("Health checks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # A check may look at models, which exist only now.
        import_module("healthcheck.checks")
        setting_changed.connect(conf.reload_settings, dispatch_uid="healthcheck.conf")
