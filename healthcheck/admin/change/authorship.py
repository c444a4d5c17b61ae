"""Who changes something in a request, and when."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from healthcheck.definitions.versions import Change
from healthcheck.models import VersionAction
from healthcheck.models.clock import read_database_clock


def describe_change(request: HttpRequest, *, action: int = VersionAction.CHANGED, comment: str = "") -> Change:
    """Return who changes what in this request, and when."""
    user: Any = request.user
    name = user.get_full_name() or user.get_username()
    return Change(read_database_clock(), action=action, author_id=user.pk, author_name=name[:200], comment=comment)
