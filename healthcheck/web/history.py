"""Reads an endpoint's newest results and changes: bounded, and in as many queries however long its history is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Subquery

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import CheckResult, CheckRun, EndpointState, Transition
from healthcheck.models.result import Judgement
from healthcheck.web.window import MAX_SAMPLES, Sample

MAX_CHANGES = 20
# Each is one short walk along an index.
_MAX_LOCATIONS = 8


@dataclass(frozen=True, slots=True)
class Change:
    """A transition. `until` is the next one's instant, None for the last."""

    at: datetime
    state: State
    error_kind: ErrorKind | None = None
    until: datetime | None = None


def load_samples(endpoint_id: int) -> list[Sample]:
    """Return the newest results, newest first: the end of the index (endpoint, run)."""
    slot = CheckRun.objects.filter(pk=OuterRef("run_id")).values("scheduled_for")[:1]
    rows = (
        CheckResult.objects.filter(endpoint_id=endpoint_id)
        .order_by("-run_id")
        .annotate(slot=Subquery(slot))
        .values_list("slot", "judgement", "latency_us", "resolve_us", "connect_us", "tls_us", "headers_us", "body_us")[
            :MAX_SAMPLES
        ]
    )
    return [
        Sample(at, State(Judgement.unpack(judgement).verdict), latency_us, tuple(phases))
        for at, judgement, latency_us, *phases in rows
        # The pruner takes runs and results one after the other.
        if at is not None
    ]


def load_changes(endpoint_id: int) -> list[Change]:
    """Return the last changes, newest first; of every location its own."""
    locations = EndpointState.objects.filter(endpoint_id=endpoint_id).order_by("location_id")
    changes: list[Change] = []
    for location_id in locations.values_list("location_id", flat=True)[:_MAX_LOCATIONS]:
        changes += _load_location(endpoint_id, location_id)
    return sorted(changes, key=lambda change: change.at, reverse=True)[:MAX_CHANGES]


def _load_location(endpoint_id: int, location_id: int) -> list[Change]:
    newest = Transition.objects.filter(endpoint_id=endpoint_id, location_id=location_id).order_by("-at", "-pk")
    changes: list[Change] = []
    until: datetime | None = None
    for at, number, kind in newest.values_list("at", "to_state", "error_kind")[:MAX_CHANGES]:
        changes.append(Change(at, State(number), ErrorKind(kind) if kind else None, until))
        until = at
    return changes
