"""Takes a run and freezes what it checks. After this the database is let go of: nothing is open while probing."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from healthcheck.engine.assertions import parse_assertion
from healthcheck.engine.credentials import EngineCredential, UnusableCredential
from healthcheck.engine.probes import load_kind
from healthcheck.engine.types import ConfigurationError, Limits, Target
from healthcheck.models import CheckRun, Reason, RunStatus, Trigger
from healthcheck.pipeline.credentials import load_credential
from healthcheck.pipeline.dispatch import LEASE_MARGIN, MAX_TAKES
from healthcheck.pipeline.judge import load_facts
from healthcheck.pipeline.limits import build_limits
from healthcheck.pipeline.statements import (
    SELECT_RUN,
    SELECT_TARGETS,
    TAKE_RUN,
    change,
    fetch,
    read_instant,
    write_instant,
)

logger = logging.getLogger(__name__)

# Typed configurations kept per process; an endpoint's stays until it is edited or pushed out by others. The rare large
# ones, with a body or a certificate in them, are read anew each time: 20,000 of them would be gigabytes.
KEPT_CONFIGURATIONS = 20_000
LARGEST_KEPT_OPTIONS = 4096


@dataclass(frozen=True, slots=True)
class TakenRun:
    """A run that this worker holds until its lease ends. `token` guards everything it writes.

    `slot_at` is the instant it was scheduled for, `next_slot_at` the slot that follows; `interval_seconds` is None for
    a cron schedule. `unreadable` are endpoints whose saved configuration cannot be read: our fault, never theirs.
    `in_maintenance` are the endpoints that were so at the slot, by id. `facts` is what those targets are judged by that
    ask nobody, by endpoint id.
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
    in_maintenance: frozenset[int] = frozenset()
    facts: Mapping[int, Any] = field(default_factory=dict)

    @property
    def late_ms(self) -> int | None:
        """From the slot to the start; None for a run that a person asked for."""
        if self.trigger != Trigger.SCHEDULED:
            return None
        return round((self.started_at - self.slot_at).total_seconds() * 1000)


def take_run(run_id: int, now: datetime) -> TakenRun | None:
    """Take a queued run with the next token and load it; None when there is nothing to do.

    Three statements, and those of `load_facts` where something is judged by facts.
    """
    rows = fetch(SELECT_RUN, run_id)
    if not rows:
        return None
    status, token, trigger, slot_at, open_until, valid_until, group_id, location_id, *rest = rows[0]
    control_targets, name, deadline_seconds, interval_seconds, deleted_at = rest
    lease_until = now + timedelta(seconds=deadline_seconds) + LEASE_MARGIN
    held = (write_instant(now), write_instant(lease_until))
    queued = (run_id, RunStatus.QUEUED, token)
    # Once its slot is over, nobody needs the run any more, and it would make an overlap of the next one.
    if status != RunStatus.QUEUED or not change(TAKE_RUN, RunStatus.RUNNING, *held, *queued, write_instant(now)):
        return None
    loaded = _load_targets(group_id, read_instant(slot_at)) if deleted_at is None else _Loaded()
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
        targets=tuple(loaded.targets),
        unreadable=tuple(loaded.unreadable),
        limits=build_limits(deadline_seconds, control_targets=control_targets),
        in_maintenance=frozenset(loaded.in_maintenance),
        facts=load_facts(loaded.targets, location_id, now),
    )


def give_up_run(taken: TakenRun, now: datetime) -> None:
    """Let go of a run whose gather was cancelled by a shutdown.

    While its slot leaves time for another worker, it is given back once: a clean stop must not cost more than a crash.
    Else it ends as abandoned. Either way its token stays good until somebody else takes it.
    """
    mine = CheckRun.objects.filter(pk=taken.run_id, token=taken.token, status=RunStatus.RUNNING)
    deadline = timedelta(seconds=taken.limits.deadline_seconds)
    if taken.token < MAX_TAKES and taken.next_slot_at > now + deadline:
        mine.update(status=RunStatus.QUEUED, reason=Reason.SHUTDOWN, published_at=None)
    else:
        mine.update(status=RunStatus.ABANDONED, reason=Reason.SHUTDOWN, finished_at=now)


@dataclass(slots=True)
class _Loaded:
    targets: list[Target] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)
    in_maintenance: set[int] = field(default_factory=set)


def _load_targets(group_id: int, slot_at: datetime) -> _Loaded:
    loaded, slot = _Loaded(), write_instant(slot_at)
    credentials: dict[int | None, EngineCredential | UnusableCredential | None] = {None: None}
    # Of an endpoint there is a row for each assertion, and one without a text when it has none.
    found = fetch(SELECT_TARGETS, slot, slot, group_id, group_id)
    for (is_endpoint, _, row_id), rows in groupby(found, key=itemgetter(0, 1, 2)):
        first, *others = rows
        kind, address, options, timeout_seconds, credential_id = first[3:8]
        if not is_endpoint:
            credentials[row_id] = load_credential(row_id, kind=kind, details=options, sealed=address)
            continue
        texts = [row[8] for row in (first, *others) if row[8] is not None]
        endpoint = (row_id, kind, address, options, timeout_seconds)
        if first[11]:
            loaded.in_maintenance.add(row_id)
        try:
            loaded.targets.append(_freeze_endpoint(endpoint, texts, credentials[credential_id]))
        except ConfigurationError as error:
            # What was saved past the forms.
            logger.warning("endpoint cannot be read", extra={"endpoint": row_id, "field": error.field})
            loaded.unreadable.append(row_id)
    return loaded


def _freeze_endpoint(
    endpoint: tuple[Any, ...], texts: Sequence[str], credential: EngineCredential | UnusableCredential | None
) -> Target:
    endpoint_id, kind, address, options, timeout_seconds = endpoint
    parse = _parse_options if len(options) <= LARGEST_KEPT_OPTIONS else _parse_options.__wrapped__
    assertions = tuple(parse_assertion(text) for text in texts)
    return Target(endpoint_id, kind, address, parse(kind, address, options), assertions, timeout_seconds, credential)


@lru_cache(KEPT_CONFIGURATIONS)
def _parse_options(kind: str, address: str, options: str) -> Any:
    loaded = json.loads(options)
    if not isinstance(loaded, dict):
        raise ConfigurationError("The options must be a JSON object such as {}.", field="options")
    return load_kind(kind).parse(address, loaded)
