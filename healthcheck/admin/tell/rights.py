"""Who works on incidents: people with a permission of their own, who also test channels and send again."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

# See `Incident.Meta.permissions`.
OPERATE_INCIDENTS = "healthcheck.operate_incident"


def may_see_incidents(user: Any) -> bool:
    return bool(user.has_perm("healthcheck.view_incident") or user.has_perm("healthcheck.change_incident"))


def may_operate_incidents(request: HttpRequest) -> bool:
    """Whether the person may do something about incidents that they see."""
    return request.user.has_perm(OPERATE_INCIDENTS) and may_see_incidents(request.user)
