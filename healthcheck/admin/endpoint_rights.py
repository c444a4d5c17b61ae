"""Whether a person may know which endpoints there are: the right to see groups says nothing about those inside."""

from __future__ import annotations

from django.http import HttpRequest


def may_see_endpoints(request: HttpRequest) -> bool:
    """Say whether names and errors of endpoints may be shown; whoever may change something may see it."""
    user = request.user
    return user.has_perm("healthcheck.view_endpoint") or user.has_perm("healthcheck.change_endpoint")
