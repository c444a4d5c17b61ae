"""Takes a run and freezes what it checks. After this the database is let go of: nothing is open while probing."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from healthcheck.conf import get_settings
from healthcheck.engine.assertions import parse_assertion
from healthcheck.engine.probes import load_probe
from healthcheck.engine.types import ConfigurationError, Limits, Target
from healthcheck.models import CheckRun, Reason, RunStatus, Trigger
from healthcheck.pipeline.dispatch import LEASE_MARGIN
from healthcheck.pipeline.statements import (
    SELECT_ASSERTIONS,
    SELECT_ENDPOINTS,
    SELECT_RUN,
    TAKE_RUN,
    change,
    fetch,
    read_instant,
    write_instant,
)

logger = logging.getLogger(__name__)

# Typed configurations kept per process; an endpoint's stays until it is edited or pushed out by others.
KEPT_CONFIGURATIONS = 20_000


@dataclass(frozen=True, slots=True)
class TakenRun:
    """A run that this worker holds until its lease ends. `token` guards everything it writes.

    `slot_at` is the instant it was scheduled for, `next_slot_at` the slot that follows; `interval_seconds` is None for
    a cron schedule. `unreadable` are endpoints whose saved configuration cannot be read: our fault, never theirs.
    """

    run_id: int
    token: int
    group_id: int
    group_name: str
    location_id: int
    trigger: int
    slot_at: datetime
    next_slot_at: datetime
    valid_until: datetime
    started_at: datetime
    interval_seconds: int | None
    targets: tuple[Target, ...]
    unreadable: tuple[int, ...]
    limits: Limits

    @property
    def late_ms(self) -> int | None:
        """From the slot to the start; None for a run that a person asked for."""
        if self.trigger != Trigger.SCHEDULED:
            return None
        return round((self.started_at - self.slot_at).total_seconds() * 1000)


def take_run(run_id: int, now: datetime) -> TakenRun | None:
    """Take a queued run with the next token and load it; None when there is nothing to do. Four statements."""
    rows = fetch(SELECT_RUN, run_id)
    if not rows:
        return None
    status, token, trigger, slot_at, open_until, valid_until, group_id, location_id, *group = rows[0]
    name, deadline_seconds, interval_seconds, deleted_at = group
    lease_until = now + timedelta(seconds=deadline_seconds) + LEASE_MARGIN
    held = (write_instant(now), write_instant(lease_until))
    if status != RunStatus.QUEUED or not change(TAKE_RUN, RunStatus.RUNNING, *held, run_id, RunStatus.QUEUED, token):
        return None
    targets, unreadable = _load_targets(group_id) if deleted_at is None else ((), ())
    return TakenRun(
        run_id=run_id,
        token=token + 1,
        group_id=group_id,
        group_name=name,
        location_id=location_id,
        trigger=trigger,
        slot_at=read_instant(slot_at),
        next_slot_at=read_instant(open_until),
        valid_until=read_instant(valid_until),
        started_at=now,
        interval_seconds=interval_seconds,
        targets=targets,
        unreadable=unreadable,
        limits=_limits(deadline_seconds),
    )


def close_abandoned(taken: TakenRun, now: datetime, *, reason: Reason) -> None:
    """End a run whose gather was cancelled. Its token stays good, should its results arrive after all."""
    CheckRun.objects.filter(pk=taken.run_id, token=taken.token, status=RunStatus.RUNNING).update(
        status=RunStatus.ABANDONED, reason=reason, finished_at=now
    )


def _load_targets(group_id: int) -> tuple[tuple[Target, ...], tuple[int, ...]]:
    texts: dict[int, list[str]] = {}
    for endpoint_id, text in fetch(SELECT_ASSERTIONS, group_id):
        texts.setdefault(endpoint_id, []).append(text)
    targets, unreadable = [], []
    for endpoint_id, kind, address, options, timeout_seconds in fetch(SELECT_ENDPOINTS, group_id):
        try:
            parsed = _parse_options(kind, address, options)
            assertions = tuple(parse_assertion(text) for text in texts.get(endpoint_id, ()))
        except ConfigurationError as error:
            # What was saved past the forms.
            logger.warning("endpoint cannot be read", extra={"endpoint": endpoint_id, "field": error.field})
            unreadable.append(endpoint_id)
            continue
        targets.append(Target(endpoint_id, kind, address, parsed, assertions, timeout_seconds))
    return tuple(targets), tuple(unreadable)


@lru_cache(KEPT_CONFIGURATIONS)
def _parse_options(kind: str, address: str, options: str) -> Any:
    return load_probe(kind).parse(address, json.loads(options))


def _limits(deadline_seconds: float) -> Limits:
    settings = get_settings()
    return Limits(
        deadline_seconds=deadline_seconds,
        concurrency=settings.concurrency_per_group,
        per_address=settings.concurrency_per_address,
        address_rules=settings.address_rules,
        control_name=settings.control_name,
    )
