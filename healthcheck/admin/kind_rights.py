"""Whether a person may set up every kind that is installed."""

from __future__ import annotations

from django.http import HttpRequest

from healthcheck.conf import get_settings
from healthcheck.engine.types import AddressMode


def may_use_any_kind(request: HttpRequest) -> bool:
    """Say whether kinds that answer to no address policy are this person's to set up."""
    return bool(request.user.is_superuser) or get_settings().address_rules.mode is not AddressMode.PUBLIC
