"""What an endpoint is made of now, with links: beside a result that says what was known of it then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.safestring import SafeString

from healthcheck.admin.look.badges import draw_paused, draw_state
from healthcheck.admin.overview import overall_state
from healthcheck.definitions.members import KIND
from healthcheck.models import Endpoint, EndpointMember
from healthcheck.models.clock import read_database_clock


@dataclass(frozen=True, slots=True)
class MemberWords:
    """One member. `paused` is empty where it is checked."""

    name: str
    url: str
    badge: SafeString
    paused: SafeString | str
    weight: int


def describe_members(endpoint: Endpoint, name_url: Callable[[int], str]) -> Sequence[MemberWords]:
    """Return the members by name in two queries; none of an endpoint of another kind, without a query."""
    if endpoint.kind != KIND:
        return ()
    rows = EndpointMember.objects.filter(
        parent=endpoint, member__deleted_at__isnull=True, member__group__deleted_at__isnull=True
    ).select_related("member__group")
    ordered = rows.order_by("member__group__slug", "member__name").prefetch_related("member__states")
    now = read_database_clock()
    return [_describe(row, now, name_url) for row in ordered]


def _describe(row: EndpointMember, now: datetime, name_url: Callable[[int], str]) -> MemberWords:
    member = row.member
    is_resting = member.is_paused or member.group.is_paused
    return MemberWords(
        name=f"{member.group.slug}/{member.name}",
        url=name_url(member.pk),
        badge=draw_state(overall_state(member.states.all(), now)),
        paused=draw_paused() if is_resting else "",
        weight=row.weight,
    )
