"""The open incidents of the start page: what nobody cares for first, for people who may see incidents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import F
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from healthcheck.admin.look.words import describe_age
from healthcheck.admin.tell.rights import may_see_incidents
from healthcheck.admin.tell.words import describe_attention, draw_incident, name_incident
from healthcheck.models import Incident

# The list has them all.
INCIDENTS_SHOWN = 5


def describe_open_incidents(request: HttpRequest, site: str, now: datetime) -> Mapping[str, Any]:
    """Return the context of the card, in one query; nothing for who may not see incidents."""
    if not may_see_incidents(request.user):
        return {}
    newest = Incident.objects.open().select_related("assignee")
    order = (F("acknowledged_at").asc(nulls_first=True), "-severity", "-started_at", "-pk")
    found = list(newest.order_by(*order)[: INCIDENTS_SHOWN + 1])
    return {
        "incidents": [_describe(each, site, now) for each in found[:INCIDENTS_SHOWN]],
        "has_more_incidents": len(found) > INCIDENTS_SHOWN,
    }


def _describe(incident: Incident, site: str, now: datetime) -> Mapping[str, Any]:
    try:
        url = reverse("admin:healthcheck_incident_change", args=[incident.pk], current_app=site)
    except NoReverseMatch:
        # A site that has no such page.
        url = ""
    return {
        "name": name_incident(incident),
        "url": url,
        "severity": draw_incident(incident),
        "age": describe_age((now - incident.started_at).total_seconds()),
        "attention": describe_attention(incident, now),
    }
