"""Queues what is to be told, in the transaction in which it became true. Sends nothing.

Whether it is still true when its turn comes is asked when a message is composed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Q

from healthcheck.engine.incidents import Event, Happening
from healthcheck.models import Incident, Notification, NotificationChannel, NotificationStatus
from healthcheck.pipeline.bulk import insert_rows
from healthcheck.pipeline.marks import ASKED_IDS
from healthcheck.pipeline.policies import Place, Policy, find_due, load_places, load_policies
from healthcheck.pipeline.statements import fetch

COLUMNS = (
    "channel_id", "incident_id", "policy_id", "step_id", "event", "severity", "text", "status", "queued_at", "due_at",
)  # fmt: skip
MAX_TEXT_LENGTH = 500
# Who is told of these is decided by the policies; the others go to those who know of the incident.
_BY_POLICY = frozenset({Event.OPENED, Event.GREW})
# What asks for an answer. Once somebody has given one, what is not due yet is of no use.
_ASKING = (Event.OPENED, Event.GREW, Event.ESCALATED, Event.REMINDER)
_CHANNEL = NotificationChannel._meta.db_table


@dataclass(frozen=True, slots=True)
class _Draft:
    channel_id: int
    policy_id: int | None
    step_id: int | None
    event: Event
    due_at: datetime


@dataclass(frozen=True, slots=True)
class _Known:
    """A channel that was told of an incident, or is about to be, by a policy."""

    channel_id: int
    policy_id: int | None
    is_told: bool
    is_due: bool


def queue_notifications(happenings: Sequence[Happening], now: datetime) -> frozenset[int]:
    """Queue whom to tell of these, and return the channels that have something due now.

    In the caller's transaction; a constant number of statements for any number of happenings and endpoints.
    """
    if not happenings:
        return frozenset()
    _supersede(happenings, now)
    known, muted = _load_known(happenings, now), _find_muted(happenings)
    policies = load_policies()
    places = _load_places(happenings, policies)
    rows = []
    for happening in happenings:
        is_muted, whom = happening.incident_id in muted, known.get(happening.incident_id, [])
        # Of what was told before it was muted, the end is told as well.
        if is_muted and happening.event is not Event.RESOLVED:
            continue
        whom = [each for each in whom if each.is_told or not is_muted]
        mine = [places[each] for each in happening.endpoint_ids if each in places]
        drafts = _draft(happening, policies, whom, places=mine, now=now)
        rows += [_write_row(happening, draft, now) for draft in drafts]
    existing = hold_channels({row[0] for row in rows})
    rows = [row for row in rows if row[0] in existing]
    if rows:
        insert_rows(Notification, COLUMNS, rows)
    return frozenset(row[0] for row in rows if row[-1] <= now)


def _supersede(happenings: Iterable[Happening], now: datetime) -> None:
    answered = [each.incident_id for each in happenings if each.event in (Event.ACKNOWLEDGED, Event.RESOLVED)]
    if answered:
        waiting = Notification.objects.filter(status=NotificationStatus.QUEUED, due_at__gt=now, event__in=_ASKING)
        waiting.filter(incident_id__in=answered).update(status=NotificationStatus.SUPERSEDED)


def _find_muted(happenings: Iterable[Happening]) -> set[int]:
    ids = {each.incident_id for each in happenings}
    return set(Incident.objects.filter(pk__in=ids, muted_at__isnull=False).values_list("pk", flat=True))


def _load_known(happenings: Iterable[Happening], now: datetime) -> Mapping[int, list[_Known]]:
    ids = {each.incident_id for each in happenings}
    rows = Notification.objects.filter(incident_id__in=ids, channel__is_enabled=True)
    rows = rows.exclude(status=NotificationStatus.SUPERSEDED)
    columns = ("incident_id", "channel_id", "policy_id", "status")
    known: dict[int, list[_Known]] = {}
    is_due = ExpressionWrapper(Q(due_at__lte=now), output_field=BooleanField())
    found = rows.annotate(is_due=is_due).order_by(*columns).values_list(*columns, "is_due").distinct()
    for incident_id, channel_id, policy_id, status, is_due in found:
        told = status == NotificationStatus.SENT
        known.setdefault(incident_id, []).append(_Known(channel_id, policy_id, told, bool(is_due)))
    return known


def _load_places(happenings: Iterable[Happening], policies: Iterable[Policy]) -> Mapping[int, Place]:
    if all(policy.is_for_all for policy in policies):
        return {}
    return load_places(i for each in happenings if each.event in _BY_POLICY for i in each.endpoint_ids)


def _draft(
    happening: Happening, policies: Sequence[Policy], known: Sequence[_Known], *, places: Sequence[Place], now: datetime
) -> Iterator[_Draft]:
    if happening.event in _BY_POLICY:
        heard = {each.policy_id for each in known}
        for policy in policies:
            if policy.policy_id not in heard and policy.holds_for(happening.severity, places):
                yield from _draft_steps(policy, now)
    if happening.event is not Event.OPENED:
        yield from _draft_for_known(happening.event, policies, known, now=now)


def _draft_steps(policy: Policy, now: datetime) -> Iterator[_Draft]:
    for step in policy.steps:
        event = Event.ESCALATED if step.after else Event.OPENED
        due_at = policy.hours.find_next(now + step.after)
        for channel_id in step.channel_ids:
            yield _Draft(channel_id, policy.policy_id, step.step_id, event, due_at)
            if policy.reminds_every is not None:
                remind_at = policy.hours.find_next(due_at + policy.reminds_every)
                yield _Draft(channel_id, policy.policy_id, step.step_id, Event.REMINDER, remind_at)


def _draft_for_known(
    event: Event, policies: Sequence[Policy], known: Sequence[_Known], *, now: datetime
) -> Iterator[_Draft]:
    """Yield one for each channel, by the policy that tells it first."""
    silent = {each.policy_id for each in policies if not each.sends_recovery}
    first: dict[int, _Draft] = {}
    for each in known:
        if not _is_told(event, each, silent):
            continue
        draft = _Draft(each.channel_id, each.policy_id, None, event, find_due(policies, each.policy_id, now))
        first[each.channel_id] = min(first.get(each.channel_id, draft), draft, key=lambda one: one.due_at)
    yield from first.values()


def _is_told(event: Event, known: _Known, silent: set[int]) -> bool:
    if event is Event.GREW:
        # What waits for its turn will say how it is by then.
        return known.is_told
    if event is Event.RESOLVED and known.is_told:
        return known.policy_id not in silent
    # That it was, and is over, is all that somebody hears whose message had to wait.
    return known.is_told or known.is_due


def _write_row(happening: Happening, draft: _Draft, now: datetime) -> tuple[Any, ...]:
    status, text = NotificationStatus.QUEUED, happening.text[:MAX_TEXT_LENGTH]
    who = (draft.channel_id, happening.incident_id, draft.policy_id, draft.step_id)
    return (*who, draft.event, happening.severity, text, status, now, draft.due_at)


def hold_channels(channel_ids: Collection[int]) -> set[int]:
    """Hold these channels to the transaction, and return those that nobody is deleting at this moment.

    Their key is looked at when the transaction commits, and would take all of it along.
    """
    asked = sorted(set(channel_ids))
    if not asked:
        return set()
    lock = "FOR KEY SHARE" if connection.features.has_select_for_update else ""
    statement = f"SELECT id FROM {_CHANNEL} WHERE id IN {ASKED_IDS[connection.vendor]} ORDER BY id {lock}"  # noqa: S608
    return {channel_id for (channel_id,) in fetch(statement, json.dumps(asked))}
