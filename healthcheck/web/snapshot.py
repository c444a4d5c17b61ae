"""Reads one status page in a fixed number of queries, and only the columns that everyone may see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from django.db.models import Case, IntegerField, Max, QuerySet, Value, When

from healthcheck import conf
from healthcheck.engine.freshness import is_expired
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import Endpoint, EndpointGroup, MaintenanceSpan, StatusPage, Tick
from healthcheck.models.micros import Micros, read_micros
from healthcheck.models.page import DEFAULT_SLUG
from healthcheck.web.blind import find_blindness
from healthcheck.web.board import NEVER_CHECKED, Board, EndpointView, GroupView, Sighting, choose_sighting
from healthcheck.web.freshness import Progress, effective_state, find_checker_faults
from healthcheck.web.layout import load_layout, select_endpoints, select_groups
from healthcheck.web.untaken import load_untaken
from healthcheck.web.uptime import Period, Span, find_earliest
from healthcheck.web.uptime_rows import Owner, Reading, Standing, judge_standing, read_period

# Narrow on purpose: addresses and options never leave the database on the way to a public page. Rows are tuples, in
# this order: a page of a thousand endpoints would spend more time on making models of them than on showing them.
ENDPOINT_COLUMNS = ("id", "group_id", "name", "is_paused")
STATE_COLUMNS = (
    "states__location_id",
    "states__state",
    "states__since",
    "states__last_observed_at",
    "states__last_verdict",
    "states__last_error_kind",
    "states__last_latency_us",
    "states__valid_until",
    "states__strip",
)
_OWN_COLUMNS = len(ENDPOINT_COLUMNS)
_INSTANTS = frozenset({"states__since", "states__last_observed_at", "states__valid_until"})
_INSTANT_PLACES = [place for place, name in enumerate(STATE_COLUMNS, _OWN_COLUMNS) if name in _INSTANTS]
_STATES = {state.value: state for state in State}
_KINDS: dict[int, ErrorKind | None] = {0: None} | {kind.value: kind for kind in ErrorKind}


class GroupRow(NamedTuple):
    """What is read of a group: the fields name its columns."""

    id: int
    slug: str
    name: str
    is_paused: bool
    next_run_at: datetime


def find_page(slug: str | None) -> StatusPage | None:
    """Return the page of that slug; for None the default page, or the first one where that was renamed."""
    # The picture is large, and most requests show none.
    pages = StatusPage.objects.defer("logo")
    if slug is not None:
        return pages.filter(slug=slug).first()
    is_default = Case(When(slug=DEFAULT_SLUG, then=Value(0)), default=Value(1), output_field=IntegerField())
    return pages.order_by(is_default, "id").first()


def load_board(
    page: StatusPage, *, now: datetime, endpoint_id: int | None = None, period: Period | None = None
) -> Board:
    """Return the page as it stands at `now`; with an endpoint only what shows that one, which may be nothing."""
    layout = load_layout(page)
    groups, endpoints = select_groups(page, layout), select_endpoints(page, layout)
    if endpoint_id is not None:
        endpoints = endpoints.filter(pk=endpoint_id)
        groups = groups.filter(pk__in=endpoints.order_by().values("group"))
    rows = [GroupRow(*row) for row in groups.values_list(*GroupRow._fields)]
    seen = _load_rows(endpoints)
    reading = read_period(endpoints, period, now, standings=_stand(seen, now)) if period else Reading()
    paused = {row.id for row in rows if row.is_paused}
    views = _view(seen, paused, now, reading=reading, muted=_load_muted(endpoints, now))
    shown = {row.id: GroupView(row.id, row.slug, row.name, row.is_paused, tuple(views[row.id])) for row in rows}
    progress = _load_progress(groups, rows, shown.values())
    faults = find_checker_faults(progress, now=now, stale_after_seconds=conf.get_settings().stale_after_seconds)
    span = None
    if period is not None:
        watched = {endpoint.id for group in shown.values() for endpoint in group.active}
        blind = find_blindness(watched, reading, period=period, now=now)
        known_from_ms = find_earliest(uptime.known_from_ms for uptime in reading.uptimes.values())
        span = Span(period, page.counts_degraded_as_good, blind, known_from_ms)
    return Board(page.slug, page.title, page.description, layout.arrange(shown), faults, span)


def see(row: Sequence[Any], now: datetime) -> Sighting:
    """Return what a row of `STATE_COLUMNS` says at `now`."""
    _location_id, number, since, observed_at, verdict, error_kind, latency_us, valid_until, strip = row
    state = _STATES[number]
    shown = effective_state(state, valid_until, now)
    return Sighting(
        state=shown,
        since=since if shown is state else valid_until,
        is_expired=is_expired(valid_until, now),
        last_verdict=_STATES[verdict],
        error_kind=_KINDS.get(error_kind, ErrorKind.OTHER),
        latency_us=latency_us,
        observed_at=observed_at,
        valid_until=valid_until,
        strip=strip,
    )


def _load_rows(endpoints: QuerySet[Endpoint]) -> list[list[Any]]:
    """Return a row per endpoint and location, in order; an endpoint that was never checked has one without."""
    columns = [*ENDPOINT_COLUMNS, *(Micros(name) if name in _INSTANTS else name for name in STATE_COLUMNS)]
    rows = [list(row) for row in endpoints.order_by("position", "id", "states__location_id").values_list(*columns)]
    for row in rows:
        for place in _INSTANT_PLACES:
            row[place] = read_micros(row[place])
    return rows


def _stand(rows: Iterable[Sequence[Any]], now: datetime) -> dict[Owner, Standing]:
    """Return since when each endpoint has been what it is, at every location."""
    found = {}
    for pk, _group_id, _name, _is_paused, location_id, state, since, *_rest, valid_until, _strip in rows:
        if location_id is not None and (standing := judge_standing(_STATES[state], since, valid_until, now)):
            found[Owner(pk, location_id)] = standing
    return found


def _load_muted(endpoints: QuerySet[Endpoint], now: datetime) -> set[int]:
    spans = MaintenanceSpan.objects.holding(now).filter(endpoint_id__in=endpoints.order_by().values("pk"))
    return set(spans.values_list("endpoint_id", flat=True))


def _view(
    rows: Iterable[Sequence[Any]], paused_groups: set[int], now: datetime, *, reading: Reading, muted: set[int]
) -> dict[int, list[EndpointView]]:
    """Return the endpoints by group."""
    views: dict[int, list[EndpointView]] = defaultdict(list)
    for (pk, group_id, name, is_paused), seen in groupby(rows, key=itemgetter(slice(_OWN_COLUMNS))):
        sighting = _choose((row[_OWN_COLUMNS:] for row in seen), now)
        is_resting = is_paused or group_id in paused_groups
        uptime, in_maintenance = reading.uptimes.get(pk), pk in muted
        views[group_id].append(EndpointView(pk, name, is_resting, sighting, uptime, group_id, in_maintenance))
    return views


def _choose(rows: Iterable[Sequence[Any]], now: datetime) -> Sighting:
    sightings = [see(row, now) for row in rows if row[0] is not None]
    return choose_sighting(sightings) if sightings else NEVER_CHECKED


def _load_progress(groups: QuerySet[EndpointGroup], rows: list[GroupRow], shown: Iterable[GroupView]) -> Progress:
    return Progress(
        newest_tick_at=Tick.objects.aggregate(at=Max("at"))["at"],
        oldest_due_at=min((group.next_run_at for group in rows if not group.is_paused), default=None),
        oldest_untaken_at=load_untaken(groups).oldest_at,
        all_expired_at=_when_all_expired(shown),
    )


def _when_all_expired(shown: Iterable[GroupView]) -> datetime | None:
    """Return when the last evidence expired, None while any is good: nothing is measured then, whoever is to blame."""
    sightings = [endpoint.sighting for group in shown for endpoint in group.active]
    if not all(sighting.is_expired for sighting in sightings if sighting.valid_until is not None):
        return None
    # What measured nothing, by its own sentence, is a result that has come in.
    ceased = [sighting.valid_until for sighting in sightings if sighting.has_ceased]
    return max((at for at in ceased if at is not None), default=None)
