"""Maintenance as everybody may know it: what a page announces, ahead and while it runs. A few queries, however many.

A window is announced only where it is public and covers something that the page shows; of what it covers, only that is
named. Spans say who is in maintenance now, and the windows' clocks what comes: nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.utils.translation import gettext

from healthcheck.models import MaintenanceWindow
from healthcheck.models.maintenance import MAX_ANNOUNCE_HOURS
from healthcheck.web.announcement import draw_announcement
from healthcheck.web.board import Board, EndpointView, GroupView
from healthcheck.web.json_twin import write_instant
from healthcheck.web.rendering import build_instant
from healthcheck.web.words import describe_span, shorten_name

# More than anybody reads over a page; those that begin first are shown.
MAX_NOTICES = 10
# Windows that are looked at for them, whatever the page shows of theirs.
MAX_WINDOWS = 200
MAX_NAMES = 10


@dataclass(frozen=True, slots=True)
class Notice:
    """One public window on one page: `names` are what the page shows of what it covers, empty for all of it."""

    title: str
    description: str
    starts_at: datetime
    ends_at: datetime
    is_running: bool
    names: tuple[str, ...] = ()


@dataclass(slots=True)
class _Scope:
    covers_all: bool
    groups: set[int] = field(default_factory=set)
    endpoints: set[int] = field(default_factory=set)

    def covers(self, endpoint: EndpointView) -> bool:
        return self.covers_all or endpoint.id in self.endpoints or endpoint.group_id in self.groups


def load_notices(board: Board, now: datetime) -> tuple[Notice, ...]:
    """Return what the page announces, running windows first: one query, and four more where there are any windows."""
    windows = [(window, *times) for window in _find_windows(now) if (times := _choose_times(window, now))]
    scopes = _load_scopes([window for window, *_times in windows])
    notices = []
    for window, starts_at, ends_at in windows:
        names = _name_covered(board, scopes[window.pk])
        if names is not None:
            is_running = starts_at <= now
            notices.append(Notice(window.title, window.description, starts_at, ends_at, is_running, names))
    return tuple(sorted(notices, key=lambda each: (not each.is_running, each.starts_at))[:MAX_NOTICES])


def build_notices(notices: Iterable[Notice], now: datetime) -> list[dict[str, Any]]:
    """Return what the template shows."""
    return [
        {
            "title": shorten_name(each.title),
            "text": draw_announcement(each.description),
            "kind": gettext("Maintenance under way") if each.is_running else gettext("Planned maintenance"),
            "is_running": each.is_running,
            "start": build_instant(each.starts_at, now, with_seconds=False),
            "end": build_instant(each.ends_at, now, with_seconds=False),
            "lasts": describe_span(each.ends_at - each.starts_at),
            "names": [shorten_name(name) for name in each.names[:MAX_NAMES]],
            "more": len(each.names[MAX_NAMES:]),
        }
        for each in notices
    ]


def describe_notices(notices: Iterable[Notice]) -> list[dict[str, Any]]:
    """Return the same for machines: `json_twin` documents the keys."""
    return [
        {
            "title": shorten_name(each.title),
            "description": each.description,
            "is_running": each.is_running,
            "starts_at": write_instant(each.starts_at),
            "ends_at": write_instant(each.ends_at),
            "affects": [shorten_name(name) for name in each.names],
        }
        for each in notices
    ]


def _find_windows(now: datetime) -> Iterable[MaintenanceWindow]:
    is_running = Q(clock__open_until__gt=now)
    # Each says for itself how long ahead; hours of a column times an hour are no filter of both databases.
    furthest = now + timedelta(hours=MAX_ANNOUNCE_HOURS)
    comes = Q(clock__next_ends_at__gt=now, clock__next_starts_at__lte=furthest)
    rows = MaintenanceWindow.objects.filter(is_running | comes, is_public=True).select_related("clock")
    return rows.order_by(F("clock__open_until").desc(nulls_last=True), "clock__next_starts_at", "pk")[:MAX_WINDOWS]


def _choose_times(window: Any, now: datetime) -> tuple[datetime, datetime] | None:
    """Return when it runs, or when it runs next where that is near enough to be announced."""
    clock = window.clock
    if clock.open_since is not None and clock.open_until is not None and clock.open_until > now:
        return clock.open_since, clock.open_until
    is_near = clock.next_starts_at is not None and clock.next_starts_at <= now + timedelta(hours=window.announce_hours)
    return (clock.next_starts_at, clock.next_ends_at) if is_near and clock.next_ends_at > now else None


def _load_scopes(windows: Iterable[MaintenanceWindow]) -> dict[int, _Scope]:
    """Return what each window covers, in four queries; none where there are no windows."""
    scopes = {window.pk: _Scope(window.covers_all) for window in windows}
    if not scopes:
        return {}
    tagged = MaintenanceWindow.tags.through.objects.filter(maintenancewindow_id__in=scopes)
    named = {"maintenancewindow_id__in": scopes}
    groups = MaintenanceWindow.groups.through.objects.filter(**named).values_list(
        "maintenancewindow_id", "endpointgroup_id"
    )
    endpoints = MaintenanceWindow.endpoints.through.objects.filter(**named).values_list(
        "maintenancewindow_id", "endpoint_id"
    )
    for window_id, group_id in (*groups, *tagged.values_list("maintenancewindow_id", "tag__groups")):
        scopes[window_id].groups.add(group_id)
    for window_id, endpoint_id in (*endpoints, *tagged.values_list("maintenancewindow_id", "tag__endpoints")):
        scopes[window_id].endpoints.add(endpoint_id)
    return scopes


def _name_covered(board: Board, scope: _Scope) -> tuple[str, ...] | None:
    """Return the names of what the page shows of the scope: empty for all of it, None for nothing."""
    shown = board.endpoints
    covered = [endpoint for endpoint in shown if scope.covers(endpoint)]
    if not covered:
        return None
    if len(covered) == len(shown):
        return ()
    return tuple(dict.fromkeys(name for group in board.groups for name in _name_in_group(group, scope)))


def _name_in_group(group: GroupView, scope: _Scope) -> Iterator[str]:
    covered = [endpoint for endpoint in group.endpoints if scope.covers(endpoint)]
    if covered and len(covered) == len(group.endpoints) and not group.is_loose:
        yield group.name
    else:
        yield from (endpoint.name for endpoint in covered)
