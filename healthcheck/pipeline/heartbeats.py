"""Loads what was heard of jobs: the facts that heartbeats are judged from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from healthcheck.engine.heartbeats import Absence, Heard
from healthcheck.engine.types import Target
from healthcheck.models import CheckRun, Endpoint, Heartbeat, Reason, RunStatus, SignalKind

KIND = "heartbeat"
# The newest times without a scheduler that a judgement looks at: a deadline is moved on by each of them.
MAX_ABSENCES = 50


def load_heartbeats(targets: Sequence[Target], location_id: int, now: datetime) -> Mapping[int, Heard]:
    """Return what was heard of the targets of one group, in three queries. All of them, whatever the location."""
    group_id = Endpoint.objects.filter(pk=targets[0].endpoint_id).values_list("group_id", flat=True).first()
    absences = _load_absences(group_id)
    rows = Heartbeat.objects.filter(endpoint__group_id=group_id, endpoint__deleted_at__isnull=True)
    heard = {row.pk: read_heard(row, absences) for row in rows}
    return {target.endpoint_id: heard.get(target.endpoint_id, Heard()) for target in targets}


def _load_absences(group_id: int | None) -> tuple[Absence, ...]:
    # What nobody scheduled tells when we were away; of a web server alone that was away, nothing does.
    lost = CheckRun.objects.filter(
        group_id=group_id, status=RunStatus.MISSED, reason=Reason.SCHEDULER, gap_until__isnull=False
    )
    spans = lost.order_by("-id").values_list("scheduled_for", "gap_until")[:MAX_ABSENCES]
    return tuple(sorted((Absence(start, until) for start, until in spans if until), key=lambda each: each.start))


def read_heard(row: Heartbeat, absences: tuple[Absence, ...] = ()) -> Heard:
    """Return what the row says."""
    return Heard(
        first_at=row.first_at,
        ended_at=row.ended_at,
        is_failure=row.ended_by == SignalKind.FAIL,
        exit_code=row.exit_code,
        duration_ms=row.duration_ms,
        said=row.said,
        open_since=tuple(_read_beginnings(row.open_runs.values())),
        absences=absences,
    )


def _read_beginnings(open_runs: Iterable[Any]) -> Iterable[datetime]:
    return (datetime.fromisoformat(first_at) for first_at, _last_at in open_runs)
