"""Records at once what a signal changes, by a run of its own that holds one endpoint and is no slot."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from healthcheck.engine.heartbeats import Heard
from healthcheck.engine.judging import judge_target
from healthcheck.engine.probes import load_kind
from healthcheck.engine.types import ConfigurationError, Outcome, State, Target
from healthcheck.models import CheckRun, Endpoint, EndpointState, Location, RunStatus, Trigger
from healthcheck.models.maintenance import find_endpoints_in_maintenance
from healthcheck.pipeline.execute import TakenRun
from healthcheck.pipeline.heartbeats import load_heartbeats
from healthcheck.pipeline.limits import build_limits
from healthcheck.pipeline.manual import build_run_now
from healthcheck.pipeline.record import Finding, Recorded, record_run


def record_now(endpoint_id: int, before: Heard, now: datetime) -> Recorded | None:
    """Judge the endpoint and record that where the signal changed it, or its last result says otherwise.

    `before` is what was heard before the signal. A run that is under way may have read just that, and what is recorded
    here is newer. A signal that is replayed adds neither rows nor verdicts to a streak: the next slot says the same.
    """
    endpoint = Endpoint.objects.checked().select_related("group").filter(pk=endpoint_id, group__is_paused=False).first()
    if endpoint is None:
        return None
    location = Location.objects.default()
    outcome, former = _judge(endpoint, location, before=before, now=now)
    last = EndpointState.objects.filter(endpoint=endpoint, location=location)
    is_news = outcome.verdict is not former.verdict or not last.filter(last_verdict=outcome.verdict).exists()
    return _record(endpoint, location, outcome, now=now) if is_news and outcome.verdict is not State.UNKNOWN else None


def _judge(endpoint: Endpoint, location: Location, *, before: Heard, now: datetime) -> tuple[Outcome, Outcome]:
    """Return the judgement now, and what it was before the signal."""
    try:
        options = load_kind(endpoint.kind).parse(endpoint.address, endpoint.options)
    except ConfigurationError:
        # What was saved past the forms: the next slot says so.
        return Outcome(State.UNKNOWN, now), Outcome(State.UNKNOWN, now)
    target = Target(endpoint.pk, endpoint.kind, endpoint.address, options)
    heard = load_heartbeats([target], location.pk, now)[endpoint.pk]
    former = replace(before, absences=heard.absences)
    return judge_target(target, heard, now), judge_target(target, former, now)


def _record(endpoint: Endpoint, location: Location, outcome: Outcome, *, now: datetime) -> Recorded | None:
    with transaction.atomic():
        # Closed within this transaction, so that two signals of a group wait for each other and neither is refused.
        run = build_run_now(
            endpoint.group,
            location,
            now,
            trigger=Trigger.SIGNAL,
            status=RunStatus.RUNNING,
            token=1,
            published_at=now,
            started_at=now,
            lease_until=now,
        )
        run.save()
        return record_run(_hold(run, endpoint), [Finding(endpoint.pk, outcome)], now=now, wall_us=0)


def _hold(run: CheckRun, endpoint: Endpoint) -> TakenRun:
    return TakenRun(
        run_id=run.pk,
        token=run.token,
        group_id=endpoint.group_id,
        group_name=endpoint.group.name,
        location_id=run.location_id,
        trigger=run.trigger,
        slot_at=run.scheduled_for,
        next_slot_at=run.open_until,
        valid_until=run.valid_until,
        started_at=run.scheduled_for,
        interval_seconds=endpoint.group.interval_seconds,
        targets=(),
        unreadable=(),
        limits=build_limits(endpoint.group.deadline_seconds),
        in_maintenance=frozenset(find_endpoints_in_maintenance([endpoint.pk], run.scheduled_for)),
    )
