"""Django system checks that name the cure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from healthcheck import conf


@register("healthcheck")
def check_settings(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = [
        CheckWarning(
            f"HEALTHCHECK['{key}'] is not a setting.",
            hint="Remove it or correct its spelling; docs/settings.md lists them all.",
            id="healthcheck.W001",
        )
        for key in conf.unknown_settings()
    ]
    if not settings.USE_TZ:
        messages.append(
            Error("USE_TZ is off.", hint="Set USE_TZ = True: slots are instants in UTC.", id="healthcheck.E001")
        )
    return messages
