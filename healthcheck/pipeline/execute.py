"""Takes a run and freezes what it checks. After this the database is let go of: nothing is open while probing."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from healthcheck.conf import get_settings
from healthcheck.engine.assertions import parse_assertion
from healthcheck.engine.types import ConfigurationError, Limits, Target
from healthcheck.models import CheckRun, Endpoint, Reason, RunStatus
from healthcheck.pipeline.dispatch import LEASE_MARGIN

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TakenRun:
    """A run that this worker holds until its lease ends. `token` guards everything it writes."""

    run: CheckRun
    token: int
    targets: tuple[Target, ...]
    # Endpoints whose saved configuration cannot be read: our fault, never theirs.
    unreadable: tuple[int, ...]
    limits: Limits


def take_run(run_id: int, now: datetime) -> TakenRun | None:
    """Take a queued run with the next token and load it; None when there is nothing to do. Four statements."""
    run = CheckRun.objects.select_related("group").filter(pk=run_id).first()
    if run is None or run.status != RunStatus.QUEUED:
        return None
    token = run.token + 1
    taken = CheckRun.objects.filter(pk=run_id, status=RunStatus.QUEUED, token=run.token).update(
        status=RunStatus.RUNNING, token=token, started_at=now, lease_until=now + run.group.deadline + LEASE_MARGIN
    )
    if not taken:
        return None
    run.token, run.started_at = token, now
    targets, unreadable = _load_targets(run)
    return TakenRun(run, token, targets, unreadable, _limits(run))


def close_abandoned(taken: TakenRun, now: datetime, *, reason: Reason) -> None:
    """End a run whose gather was cancelled. Its token stays good, should its results arrive after all."""
    CheckRun.objects.filter(pk=taken.run.pk, token=taken.token, status=RunStatus.RUNNING).update(
        status=RunStatus.ABANDONED, reason=reason, finished_at=now
    )


def _load_targets(run: CheckRun) -> tuple[tuple[Target, ...], tuple[int, ...]]:
    if run.group.deleted_at is not None:
        return (), ()
    endpoints = Endpoint.objects.checked().filter(group_id=run.group_id).prefetch_related("assertions")
    targets, unreadable = [], []
    for endpoint in endpoints:
        try:
            targets.append(freeze_endpoint(endpoint))
        except ConfigurationError:
            logger.exception("endpoint cannot be read", extra={"endpoint": endpoint.pk})
            unreadable.append(endpoint.pk)
    return tuple(targets), tuple(unreadable)


def freeze_endpoint(endpoint: Endpoint) -> Target:
    """Return the endpoint as the engine sees it. Raises ConfigurationError for what was saved past the forms."""
    return Target(
        endpoint_id=endpoint.pk,
        kind=endpoint.kind,
        address=endpoint.address,
        options=endpoint.parse_options(),
        assertions=tuple(parse_assertion(assertion.text) for assertion in endpoint.assertions.all()),
        timeout_seconds=endpoint.timeout_seconds,
    )


def _limits(run: CheckRun) -> Limits:
    settings = get_settings()
    return Limits(
        deadline_seconds=run.group.deadline_seconds,
        concurrency=settings.concurrency_per_group,
        per_address=settings.concurrency_per_address,
        address_rules=settings.address_rules,
        control_name=settings.control_name,
    )
