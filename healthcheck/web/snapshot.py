"""Reads one status page in a fixed number of queries, and only the columns that everyone may see."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.db.models import Case, IntegerField, Max, QuerySet, Value, When

from healthcheck import conf
from healthcheck.engine.freshness import is_expired
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import Endpoint, EndpointGroup, EndpointState, StatusPage, Tick
from healthcheck.models.page import DEFAULT_SLUG
from healthcheck.web.board import Board, EndpointView, GroupView, Sighting, choose_sighting
from healthcheck.web.freshness import Pulse, effective_state, find_checker_faults
from healthcheck.web.untaken import load_untaken

# Narrow on purpose: addresses and options never leave the database on the way to a public page.
ENDPOINT_COLUMNS = ("id", "group_id", "name", "is_paused")
STATE_COLUMNS = (
    "endpoint_id",
    "state",
    "since",
    "last_observed_at",
    "last_verdict",
    "last_error_kind",
    "last_latency_us",
    "valid_until",
    "strip",
)


def find_page(slug: str | None) -> StatusPage | None:
    """Return the page of that slug; for None the default page, or the first one where that was renamed."""
    if slug is not None:
        return StatusPage.objects.filter(slug=slug).first()
    is_default = Case(When(slug=DEFAULT_SLUG, then=Value(0)), default=Value(1), output_field=IntegerField())
    return StatusPage.objects.order_by(is_default, "id").first()


def load_board(page: StatusPage, *, now: datetime) -> Board:
    """Return the page as it stands at `now`."""
    groups = _groups_of(page)
    endpoints = Endpoint.objects.existing().filter(group__in=groups)
    sightings = _load_sightings(endpoints, now)
    views = _load_endpoints(endpoints, sightings)
    rows = list(groups.only("id", "slug", "name", "is_paused", "next_run_at"))
    shown = tuple(_view_group(group, views[group.pk]) for group in rows)
    pulse = _load_pulse(groups, rows, shown)
    faults = find_checker_faults(pulse, now=now, stale_after_seconds=conf.get_settings().stale_after_seconds)
    return Board(page.slug, page.title, page.description, shown, faults)


def _groups_of(page: StatusPage) -> QuerySet[EndpointGroup]:
    groups = EndpointGroup.objects.existing()
    if page.shows_all_groups:
        return groups
    return groups.filter(pk__in=StatusPage.groups.through.objects.filter(statuspage=page.pk).values("endpointgroup"))


def _load_sightings(endpoints: QuerySet[Endpoint], now: datetime) -> dict[int, list[Sighting]]:
    states = EndpointState.objects.filter(endpoint__in=endpoints.order_by()).only(*STATE_COLUMNS)
    sightings: dict[int, list[Sighting]] = defaultdict(list)
    for row in states.order_by("location_id"):
        sightings[row.endpoint_id].append(_see(row, now))
    return sightings


def _see(row: EndpointState, now: datetime) -> Sighting:
    state = State(row.state)
    shown = effective_state(state, row.valid_until, now)
    return Sighting(
        state=shown,
        since=row.since if shown is state else row.valid_until,
        is_expired=is_expired(row.valid_until, now),
        last_verdict=State(row.last_verdict),
        error_kind=ErrorKind(row.last_error_kind) if row.last_error_kind else None,
        latency_us=row.last_latency_us,
        observed_at=row.last_observed_at,
        valid_until=row.valid_until,
        strip=row.strip,
    )


def _load_endpoints(
    endpoints: QuerySet[Endpoint], sightings: dict[int, list[Sighting]]
) -> dict[int, list[EndpointView]]:
    views: dict[int, list[EndpointView]] = defaultdict(list)
    for row in endpoints.only(*ENDPOINT_COLUMNS):
        sighting = choose_sighting(sightings[row.pk])
        views[row.group_id].append(EndpointView(row.pk, row.name, row.is_paused, sighting))
    return views


def _view_group(group: EndpointGroup, endpoints: list[EndpointView]) -> GroupView:
    shown = tuple(
        EndpointView(endpoint.id, endpoint.name, endpoint.is_paused or group.is_paused, endpoint.sighting)
        for endpoint in endpoints
    )
    return GroupView(group.pk, group.slug, group.name, group.is_paused, shown)


def _load_pulse(groups: QuerySet[EndpointGroup], rows: list[EndpointGroup], shown: tuple[GroupView, ...]) -> Pulse:
    return Pulse(
        newest_tick_at=Tick.objects.aggregate(at=Max("at"))["at"],
        oldest_due_at=min((group.next_run_at for group in rows if not group.is_paused), default=None),
        oldest_untaken_at=load_untaken(groups).oldest_at,
        all_expired_at=_when_all_expired(shown),
    )


def _when_all_expired(shown: tuple[GroupView, ...]) -> datetime | None:
    """Return when the last evidence expired, None while any is good: nothing is measured then, whoever is to blame."""
    sightings = [endpoint.sighting for group in shown for endpoint in group.active]
    if not all(sighting.is_expired for sighting in sightings if sighting.valid_until is not None):
        return None
    # What measured nothing, by its own sentence, is a result that has come in.
    ceased = [sighting.valid_until for sighting in sightings if sighting.has_ceased]
    return max((at for at in ceased if at is not None), default=None)
