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
from healthcheck.models import DeliveryStatus, Incident, Notification, NotificationChannel, NotificationStatus
from healthcheck.pipeline.bulk import insert_rows
from healthcheck.pipeline.collapse import ASKING, ASKING_AGAIN
from healthcheck.pipeline.marks import ASKED_IDS
from healthcheck.pipeline.policies import Place, Policy, find_due, load_places, load_policies
from healthcheck.pipeline.statements import fetch

COLUMNS = (
    "channel_id", "incident_id", "policy_id", "step_id", "event", "severity", "text", "status", "queued_at", "due_at",
)  # fmt: skip
MAX_TEXT_LENGTH = 500
# Who is told of these is decided by the policies; the others go to those who know of the incident.
_BY_POLICY = frozenset({Event.OPENED, Event.GREW})
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
    """A channel that was told of an incident, or is about to be, by a step of a policy. See `_load_known`."""

    channel_id: int
    policy_id: int | None
    step_id: int | None
    event: int
    is_told: bool
    has_arrived: bool
    is_due: bool


@dataclass(frozen=True, slots=True)
class _Standing:
    is_muted: bool = False
    is_acknowledged: bool = False


def queue_notifications(happenings: Sequence[Happening], now: datetime) -> frozenset[int]:
    """Queue whom to tell of these, and return the channels that have something due now.

    In the caller's transaction; a constant number of statements for any number of happenings and endpoints.
    """
    if not happenings:
        return frozenset()
    _supersede(happenings, now)
    known, standings = _load_known(happenings, now), _load_standings(happenings)
    policies = load_policies()
    places = _load_places(happenings, policies)
    rows = []
    for happening in happenings:
        standing, whom = standings.get(happening.incident_id, _Standing()), known.get(happening.incident_id, [])
        # Of what was told before it was muted, the end is told as well.
        if standing.is_muted and happening.event is not Event.RESOLVED:
            continue
        whom = [each for each in whom if each.is_told or not standing.is_muted]
        mine = [places[each] for each in happening.endpoint_ids if each in places]
        drafts = _draft(happening, policies, whom, places=mine, now=now)
        asked = (each for each in drafts if not (standing.is_acknowledged and each.event in ASKING_AGAIN))
        rows += [_write_row(happening, draft, now) for draft in asked]
    existing = hold_channels({row[0] for row in rows})
    rows = [row for row in rows if row[0] in existing]
    if rows:
        insert_rows(Notification, COLUMNS, rows)
    return frozenset(row[0] for row in rows if row[-1] <= now)


def _supersede(happenings: Iterable[Happening], now: datetime) -> None:
    answered = [each.incident_id for each in happenings if each.event in (Event.ACKNOWLEDGED, Event.RESOLVED)]
    if answered:
        waiting = Notification.objects.filter(status=NotificationStatus.QUEUED, due_at__gt=now, event__in=ASKING)
        waiting.filter(incident_id__in=answered).update(status=NotificationStatus.SUPERSEDED)


def _load_standings(happenings: Iterable[Happening]) -> Mapping[int, _Standing]:
    rows = Incident.objects.filter(pk__in={each.incident_id for each in happenings})
    columns = rows.values_list("pk", "muted_at", "acknowledged_at")
    return {pk: _Standing(muted_at is not None, acked_at is not None) for pk, muted_at, acked_at in columns}


def _load_known(happenings: Iterable[Happening], now: datetime) -> Mapping[int, list[_Known]]:
    """Return whom each incident was told, or is queued to be. What is on its way was told, and has not arrived."""
    ids = {each.incident_id for each in happenings}
    rows = Notification.objects.filter(incident_id__in=ids, channel__is_enabled=True)
    rows = rows.exclude(status=NotificationStatus.SUPERSEDED)
    known: dict[int, list[_Known]] = {}
    is_due = ExpressionWrapper(Q(due_at__lte=now), output_field=BooleanField())
    columns = ("incident_id", "channel_id", "policy_id", "step_id", "event", "status", "delivery__status", "is_due")
    for incident_id, channel_id, policy_id, step_id, event, status, delivered, due in (
        rows.annotate(is_due=is_due).order_by(*columns).values_list(*columns).distinct()
    ):
        is_told = status == NotificationStatus.SENT
        has_arrived = is_told and delivered != DeliveryStatus.WAITING
        one = _Known(channel_id, policy_id, step_id, event, is_told, has_arrived, bool(due))
        known.setdefault(incident_id, []).append(one)
    return known


def _load_places(happenings: Iterable[Happening], policies: Iterable[Policy]) -> Mapping[int, Place]:
    if all(policy.is_for_all for policy in policies):
        return {}
    return load_places(i for each in happenings if each.event in _BY_POLICY for i in each.endpoint_ids)


def _draft(
    happening: Happening, policies: Sequence[Policy], known: Sequence[_Known], *, places: Sequence[Place], now: datetime
) -> Iterator[_Draft]:
    if happening.event in _BY_POLICY:
        for policy in policies:
            if policy.holds_for(happening.severity, places):
                yield from _draft_steps(policy, known, now)
    if happening.event is not Event.OPENED:
        yield from _draft_for_known(happening.event, policies, known, now=now)


def _draft_steps(policy: Policy, known: Sequence[_Known], now: datetime) -> Iterator[_Draft]:
    """Yield what its steps have not told yet and are not going to: all where it holds for the first time.

    Steps and reminders whose turn came while the incident was muted begin anew when it is not any more.
    """
    asked = {(each.step_id, each.channel_id) for each in known if each.event != Event.REMINDER}
    # One that was told is followed by the next.
    reminded = {(each.step_id, each.channel_id) for each in known if each.event == Event.REMINDER and not each.is_told}
    for step in policy.steps:
        event = Event.ESCALATED if step.after else Event.OPENED
        for channel_id in step.channel_ids:
            is_asked = (step.step_id, channel_id) in asked
            due_at = policy.hours.find_next(now if is_asked else now + step.after)
            if not is_asked:
                yield _Draft(channel_id, policy.policy_id, step.step_id, event, due_at)
            if policy.reminds_every is not None and (step.step_id, channel_id) not in reminded:
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
    if event is Event.RESOLVED and known.has_arrived:
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
