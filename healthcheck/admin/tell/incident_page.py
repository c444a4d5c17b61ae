"""One incident as its page needs it, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from healthcheck.admin.look.badges import draw_state
from healthcheck.admin.look.words import describe_moment
from healthcheck.admin.tell.timeline import MAX_MEMBERS, load_timeline
from healthcheck.admin.tell.words import (
    STAGE_WORDS,
    describe_attention,
    describe_cause,
    describe_standing,
    draw_incident,
    name_incident,
    name_kind,
    split_name,
)
from healthcheck.engine.flapping import CALM
from healthcheck.engine.incidents import Stage
from healthcheck.engine.types import State
from healthcheck.models import Endpoint, EndpointGroup, Incident, IncidentMember
from healthcheck.web.written import draw_markdown

# The rest is counted.
MAX_MEMBERS_SHOWN = 50
MAX_AFFECTED = 20


def describe_incident(incident: Incident, now: datetime) -> dict[str, Any]:
    """Return the context of the page."""
    members = list(incident.members.order_by("-joined_at", "-pk")[:MAX_MEMBERS])
    ids = {member.endpoint_id for member in members}
    endpoints = {each.pk: each for each in Endpoint.objects.filter(pk__in=ids).only("name", "deleted_at")}
    affected = list(incident.affected.order_by("-pk")[: MAX_AFFECTED + 1])
    standing = [member for member in members if member.left_at is None]
    concerned = [_describe_member(each, endpoints) for each in standing or members]
    return {
        "severity": draw_incident(incident),
        "standing": describe_standing(incident, now),
        "held_until": _describe_held(incident, members),
        "stage": STAGE_WORDS[Stage(incident.stage)],
        "cause": describe_cause(incident),
        "attention": describe_attention(incident, now),
        "group": EndpointGroup.objects.filter(pk=incident.group_id).first() if incident.group_id else None,
        "parent_name": name_incident(incident.parent) if incident.parent is not None else "",
        "affected": [{"pk": each.pk, "name": name_incident(each)} for each in affected[:MAX_AFFECTED]],
        "has_more_affected": len(affected) > MAX_AFFECTED,
        "members": sorted(concerned, key=lambda each: split_name(each["name"]))[:MAX_MEMBERS_SHOWN],
        "more_members": max(0, len(concerned) - MAX_MEMBERS_SHOWN),
        "has_members_now": bool(standing),
        "timeline": load_timeline(incident, members, {pk: each.name for pk, each in endpoints.items()}),
        "post_mortem": draw_markdown(incident.post_mortem),
    }


def _describe_held(incident: Incident, members: Iterable[IncidentMember]) -> str:
    """Return until when it is held open, where nothing is down of what flaps."""
    left_at = max((member.left_at for member in members if member.left_at is not None), default=None)
    if not incident.is_held or left_at is None:
        return ""
    return _("until %(time)s, unless something fails again") % {"time": describe_moment(left_at + CALM)}


def _describe_member(member: IncidentMember, endpoints: Mapping[int, Endpoint]) -> dict[str, Any]:
    endpoint = endpoints.get(member.endpoint_id)
    exists = endpoint is not None and endpoint.deleted_at is None
    return {
        "name": endpoint.name if endpoint is not None else _("endpoint %(id)s") % {"id": member.endpoint_id},
        "endpoint_id": member.endpoint_id if exists else None,
        "badge": draw_state(State(member.state)) if member.state and member.left_at is None else "",
        "kind": name_kind(member.error_kind) if member.error_kind else "",
        "joined": describe_moment(member.joined_at),
        "left": describe_moment(member.left_at),
    }
