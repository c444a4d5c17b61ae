"""Incidents as everybody may know them: what people made public, while it lasts and for two weeks after.

One is shown where it concerns something that the page shows, or nothing in particular; of what it concerns, only that
is named. Cause, host and who wrote what are for colleagues. A few queries, however many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.utils.translation import gettext_lazy

from healthcheck.engine.incidents import Severity, Stage
from healthcheck.models import Incident, IncidentMember, IncidentUpdate
from healthcheck.web.board import Board
from healthcheck.web.json_twin import write_instant
from healthcheck.web.rendering import build_instant
from healthcheck.web.words import describe_span, shorten_name
from healthcheck.web.written import draw_markdown

SHOWN_AFTER = timedelta(days=14)
# More than anybody reads on one page; the newest are shown.
MAX_OPEN, MAX_OVER = 10, 20
# Looked at for them, whatever the page shows of what they concern.
MAX_INCIDENTS, MAX_MEMBERS, MAX_UPDATES = 100, 20_000, 500
MAX_NAMES = 10
STAGE_WORDS = {
    Stage.INVESTIGATING: gettext_lazy("Investigating"),
    Stage.IDENTIFIED: gettext_lazy("Identified"),
    Stage.MONITORING: gettext_lazy("Monitoring"),
    Stage.RESOLVED: gettext_lazy("Resolved"),
}
_ICONS = {Severity.NOTICE: "info", Severity.DEGRADED: "degraded", Severity.DOWN: "down"}


@dataclass(frozen=True, slots=True)
class PublicUpdate:
    at: datetime
    stage: Stage
    text: str


@dataclass(frozen=True, slots=True)
class PublicIncident:
    """One incident on one page.

    `names` are what the page shows of what it concerns, `affected` of what depends on that. Both are empty for one that
    concerns nothing in particular.
    """

    id: int
    title: str
    severity: Severity
    stage: Stage
    started_at: datetime
    resolved_at: datetime | None
    post_mortem: str = ""
    names: tuple[str, ...] = ()
    affected: tuple[str, ...] = ()
    updates: tuple[PublicUpdate, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None


@dataclass(slots=True)
class _Concern:
    """Which endpoints an incident concerned at any time, concerns to the end, and holds up by what depends on them."""

    ever: set[int] = field(default_factory=set)
    last: set[int] = field(default_factory=set)
    affected: set[int] = field(default_factory=set)


def load_incidents(board: Board, now: datetime) -> tuple[PublicIncident, ...]:
    """Return what the page shows, open ones first: one query, and two more where there are any incidents."""
    is_near = Q(resolved_at__isnull=True) | Q(resolved_at__gte=now - SHOWN_AFTER)
    rows = Incident.objects.filter(is_near, is_public=True).exclude(title="")
    found = list(rows.order_by(F("resolved_at").desc(nulls_first=True), "-started_at", "-pk")[:MAX_INCIDENTS])
    if not found:
        return ()
    concerns, updates = _load_concerns(found), _load_updates(found)
    shown = {endpoint.id: endpoint.name for endpoint in board.endpoints}
    chosen = [each for each in found if not each.peak_count or concerns[each.pk].ever & shown.keys()]
    return tuple(_build(each, concerns[each.pk], shown, updates=updates[each.pk]) for each in _bound(chosen))


def build_incidents(incidents: Iterable[PublicIncident], now: datetime) -> list[dict[str, Any]]:
    """Return what the template shows."""
    return [
        {
            "id": each.id,
            "title": shorten_name(each.title),
            "icon": "up" if not each.is_open else _ICONS[each.severity],
            "stage": STAGE_WORDS[each.stage],
            "is_open": each.is_open,
            "start": build_instant(each.started_at, now, with_seconds=False),
            "end": build_instant(each.resolved_at, now, with_seconds=False),
            "lasted": describe_span(each.resolved_at - each.started_at) if each.resolved_at else "",
            **_build_names("names", each.names),
            **_build_names("affected", each.affected),
            "updates": [
                {
                    "at": build_instant(update.at, now, with_seconds=False),
                    "stage": STAGE_WORDS[update.stage],
                    "text": draw_markdown(update.text),
                }
                for update in each.updates
            ],
            "post_mortem": draw_markdown(each.post_mortem),
        }
        for each in incidents
    ]


def describe_incidents(incidents: Iterable[PublicIncident]) -> list[dict[str, Any]]:
    """Return the same for machines: `json_twin` documents the keys."""
    return [
        {
            "id": each.id,
            "title": shorten_name(each.title),
            "severity": each.severity.word,
            "stage": each.stage.word,
            "is_open": each.is_open,
            "started_at": write_instant(each.started_at),
            "resolved_at": write_instant(each.resolved_at),
            "concerns": [shorten_name(name) for name in each.names],
            "affects": [shorten_name(name) for name in each.affected],
            "updates": [
                {"at": write_instant(update.at), "stage": update.stage.word, "text": update.text}
                for update in each.updates
            ],
            "post_mortem": each.post_mortem,
        }
        for each in incidents
    ]


def _bound(chosen: Sequence[Incident]) -> Iterator[Incident]:
    is_open = [each for each in chosen if each.resolved_at is None]
    yield from is_open[:MAX_OPEN]
    yield from [each for each in chosen if each.resolved_at is not None][:MAX_OVER]


def _load_concerns(incidents: Iterable[Incident]) -> dict[int, _Concern]:
    """Return it by incident, with the open ones that wait for these."""
    ends = {each.pk: each.resolved_at for each in incidents}
    waiting = Q(incident__parent__in=ends, incident__resolved_at__isnull=True, left_at__isnull=True)
    rows = IncidentMember.objects.filter(Q(incident__in=ends) | waiting).order_by("-pk")
    concerns = {pk: _Concern() for pk in ends}
    columns = ("incident_id", "incident__parent_id", "endpoint_id", "left_at")
    for incident_id, parent_id, endpoint_id, left_at in rows.values_list(*columns)[:MAX_MEMBERS]:
        if incident_id in concerns:
            concerns[incident_id].ever.add(endpoint_id)
            if left_at is None or ends[incident_id] is not None:
                concerns[incident_id].last.add(endpoint_id)
        elif parent_id in concerns:
            concerns[parent_id].affected.add(endpoint_id)
    return concerns


def _load_updates(incidents: Iterable[Incident]) -> dict[int, list[PublicUpdate]]:
    ids = [each.pk for each in incidents]
    rows = IncidentUpdate.objects.filter(incident__in=ids, is_public=True).exclude(text="").order_by("-at", "-pk")
    updates: dict[int, list[PublicUpdate]] = defaultdict(list)
    for incident_id, at, stage, text in rows.values_list("incident_id", "at", "stage", "text")[:MAX_UPDATES]:
        updates[incident_id].append(PublicUpdate(at, Stage(stage or Stage.INVESTIGATING), text))
    return updates


def _build(
    incident: Incident, concern: _Concern, shown: dict[int, str], *, updates: Sequence[PublicUpdate]
) -> PublicIncident:
    return PublicIncident(
        id=incident.pk,
        title=incident.title,
        severity=Severity(incident.severity),
        stage=Stage(incident.stage),
        started_at=incident.started_at,
        resolved_at=incident.resolved_at,
        post_mortem=incident.post_mortem if incident.resolved_at else "",
        names=_name(concern.last, shown),
        affected=_name(concern.affected - concern.last, shown),
        updates=tuple(updates),
    )


def _name(ids: set[int], shown: dict[int, str]) -> tuple[str, ...]:
    return tuple(name for pk, name in shown.items() if pk in ids)


def _build_names(key: str, names: Sequence[str]) -> dict[str, Any]:
    return {key: [shorten_name(name) for name in names[:MAX_NAMES]], f"more_{key}": len(names[MAX_NAMES:])}
