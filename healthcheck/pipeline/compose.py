"""Makes one message of all that is due for a channel: what is still true of it, frozen before it is sent."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, Q, Subquery

from healthcheck.engine.incidents import Event, Severity
from healthcheck.engine.types import ConfigurationError, State
from healthcheck.models import (
    Delivery,
    EndpointState,
    Incident,
    IncidentMember,
    MaintenanceSpan,
    Notification,
    NotificationChannel,
    NotificationStatus,
    Trouble,
)
from healthcheck.notifiers import load_notifier
from healthcheck.notifiers.message import MAX_ITEMS, Item, Message, write_message
from healthcheck.pipeline.bulk import insert_rows, update_rows
from healthcheck.pipeline.collapse import ASKING, Collapsed, Queued, Truth, collapse
from healthcheck.pipeline.incident_items import Subject, write_incident_items
from healthcheck.pipeline.notify import COLUMNS
from healthcheck.pipeline.policies import find_due, load_policies

# Notifications of one message: bounds the work of a message; what is beyond it comes with the next.
MAX_NOTIFICATIONS = 1000
TEXT_OF_TEST = "This is a test."
# How long waits what is not true while nothing is down of what flaps, or nobody sees it: short, as it may be true next.
SHORT_WAIT = timedelta(minutes=1)
# The reminders of a channel that follow each other: incident, policy, step.
Chain = tuple[int | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class _Standing:
    """Until when all whom an incident concerns are in maintenance, and whether anybody sees how one of them is."""

    maintained_until: datetime | None = None
    is_seen: bool = True


@dataclass(frozen=True, slots=True)
class _Told:
    """An incident, and what becomes of its notifications."""

    incident: Incident
    truth: Truth
    collapsed: Collapsed

    @property
    def rank(self) -> tuple[bool, int, datetime]:
        """What lasts comes first, then the worst, then the oldest."""
        return self.incident.resolved_at is not None, -self.incident.severity, self.incident.started_at


def compose_delivery(channel_id: int, now: datetime) -> Delivery | None:
    """Store a delivery of what is due for the channel, and what became of the rest. None where nothing is left to say.

    In a transaction of the caller's, who holds the channel's state.
    """
    due = Notification.objects.filter(channel=channel_id, status=NotificationStatus.QUEUED, due_at__lte=now)
    # Held before the truth is read: what an acknowledgement or an end has just made useless is not told after all.
    rows = list(due.select_for_update().order_by("due_at", "pk")[:MAX_NOTIFICATIONS])
    of_incidents = _collapse_incidents([row for row in rows if row.incident_id is not None], now)
    others = _drop_past([row for row in rows if row.incident_id is None])
    _settle(of_incidents, {row.pk: row.policy_id for row in rows})
    told = sorted((each for each in of_incidents if each.collapsed.event is not None), key=lambda each: each.rank)
    if not told and not others:
        return None
    if len(told) > MAX_ITEMS and _tells_each(channel_id):
        # What is beyond them stays queued: an alert that is never told of its end would last for ever.
        told = told[: max(0, MAX_ITEMS - len(others))]
    message = _write_message(channel_id, told, others, now=now)
    delivery = Delivery.objects.create(
        id=uuid.UUID(message.id), channel_id=channel_id, created_at=now, message=write_message(message), next_try_at=now
    )
    ids = [*(row.pk for row in others), *(pk for each in told for pk in each.collapsed.told)]
    Notification.objects.filter(pk__in=ids).update(status=NotificationStatus.SENT, delivery=delivery)
    _queue_next_reminders(rows, told, now)
    return delivery


def _tells_each(channel_id: int) -> bool:
    try:
        return load_notifier(NotificationChannel.objects.get(pk=channel_id).kind).tells_each
    except ConfigurationError:
        # A kind that this process does not know: sending says so.
        return False


def _collapse_incidents(rows: Sequence[Notification], now: datetime) -> list[_Told]:
    queued: dict[int, list[Queued]] = {}
    for row in rows:
        one = Queued(row.pk, row.policy_id, row.step_id, Event(row.event), row.text)
        queued.setdefault(row.incident_id or 0, []).append(one)
    if not queued:
        return []
    incidents = Incident.objects.in_bulk(list(queued))
    asking = [pk for pk, waiting in queued.items() if any(each.event in ASKING for each in waiting)]
    standing = _find_standing(asking, now)
    truths = {pk: _find_truth(incident, standing.get(pk, _Standing()), now) for pk, incident in incidents.items()}
    return [_Told(incident, truths[pk], collapse(queued[pk], truths[pk])) for pk, incident in sorted(incidents.items())]


def _find_truth(incident: Incident, standing: _Standing, now: datetime) -> Truth:
    snoozed_until = incident.snoozed_until
    is_snoozed = snoozed_until is not None and snoozed_until > now
    wait_until = now + SHORT_WAIT
    return Truth(
        is_over=incident.resolved_at is not None,
        is_muted=incident.muted_at is not None,
        is_acknowledged=incident.acknowledged_at is not None,
        quiet_until=snoozed_until if is_snoozed else wait_until if incident.is_held else standing.maintained_until,
        unseen_until=None if standing.is_seen else wait_until,
    )


def _find_standing(incident_ids: Iterable[int], now: datetime) -> Mapping[int, _Standing]:
    """Return how those stand whom the incidents concern. One statement."""
    spans = MaintenanceSpan.objects.holding(now).filter(endpoint_id=OuterRef("endpoint_id")).order_by("-ends_at")
    unseen = EndpointState.objects.filter(
        Q(valid_until__lte=now) | Q(state=State.UNKNOWN),
        endpoint=OuterRef("endpoint_id"),
        location=OuterRef("location_id"),
    )
    members = IncidentMember.objects.filter(incident__in=list(incident_ids), left_at__isnull=True)
    members = members.annotate(until=Subquery(spans.values("ends_at")[:1]), is_unseen=Exists(unseen))
    counted = members.values("incident_id").annotate(
        awake=Count("pk", filter=Q(until__isnull=True)), first=Min("until"), seen=Count("pk", filter=Q(is_unseen=False))
    )
    rows = counted.order_by().values_list("incident_id", "awake", "first", "seen")
    return {pk: _Standing(None if awake else first, bool(seen)) for pk, awake, first, seen in rows}


def _settle(of_incidents: Sequence[_Told], policy_ids: Mapping[int, int | None]) -> None:
    superseded = [pk for each in of_incidents for pk in each.collapsed.superseded]
    if superseded:
        Notification.objects.filter(pk__in=superseded).update(status=NotificationStatus.SUPERSEDED)
    # Where nobody is asked to act, reminders wait as long as the rest.
    turns = [(each, each.truth.quiet_until or each.truth.unseen_until) for each in of_incidents]
    postponed = [(pk, until) for each, until in turns for pk in each.collapsed.postponed]
    if postponed:
        policies = load_policies()
        due = [(pk, find_due(policies, policy_ids[pk], until)) for pk, until in postponed if until is not None]
        update_rows(Notification, ("id", "due_at"), due)


def _write_message(channel_id: int, told: Sequence[_Told], others: Sequence[Notification], *, now: datetime) -> Message:
    own = _write_own_items(others)
    listed = told[: max(0, MAX_ITEMS - len(own))]
    subjects = [
        Subject(each.incident, event, each.collapsed.text) for each in listed if (event := each.collapsed.event)
    ]
    items = (*own[:MAX_ITEMS], *write_incident_items(subjects, channel_id))
    left_off = len(own) + len(told) - len(items)
    return Message(str(uuid.uuid4()), items, now, left_off=left_off)


def _drop_past(rows: Sequence[Notification]) -> list[Notification]:
    """Leave out troubles that are over without a word of it, such as while the channel was switched off."""
    ended = {row.trouble for row in rows if Event(row.event) is Event.TROUBLE_OVER}
    asked = {row.trouble for row in rows if row.trouble} - ended
    over = Trouble.objects.filter(pk__in=asked, over_at__isnull=False) if asked else ()
    past = {trouble.pk for trouble in over}
    stale = [row.pk for row in rows if row.trouble in past]
    if stale:
        Notification.objects.filter(pk__in=stale).update(status=NotificationStatus.SUPERSEDED)
    return [row for row in rows if row.trouble not in past]


def _write_own_items(rows: Sequence[Notification]) -> list[Item]:
    """Return an item for each test, and the last word on each trouble of the checker."""
    last = {row.trouble or f"test-{row.pk}": row for row in rows}
    troubles = Trouble.objects.in_bulk([row.trouble for row in last.values() if row.trouble])
    return [_write_own_item(key, row, troubles.get(row.trouble)) for key, row in last.items()]


def _write_own_item(key: str, row: Notification, trouble: Trouble | None) -> Item:
    is_over = Event(row.event) is Event.TROUBLE_OVER
    return Item(
        event=Event(row.event),
        severity=Severity(row.severity),
        key=f"healthcheck-{key}",
        title=row.text or TEXT_OF_TEST,
        started_at=trouble.since if trouble is not None else None,
        ended_at=row.queued_at if is_over else None,
    )


def _queue_next_reminders(rows: Iterable[Notification], told: Iterable[_Told], now: datetime) -> None:
    """Queue the reminder that follows each that is told, for as long as it lasts."""
    lasting = {pk for each in told if each.incident.resolved_at is None for pk in each.collapsed.told}
    reminders = [row for row in rows if row.pk in lasting and Event(row.event) is Event.REMINDER]
    if not reminders:
        return
    policies = {policy.policy_id: policy for policy in load_policies()}
    # One that is told anew, because its message was not taken, has been followed already; and two may have piled up.
    followed = _find_followed(reminders)
    following = {
        _name_chain(row): (*_copy(row), now, policy.hours.find_next(now + policy.reminds_every))
        for row in reminders
        if (policy := policies.get(row.policy_id or 0)) is not None
        and policy.reminds_every is not None
        and _name_chain(row) not in followed
    }
    if following:
        insert_rows(Notification, COLUMNS, following.values())


def _find_followed(reminders: Sequence[Notification]) -> set[Chain]:
    rows = Notification.objects.filter(status=NotificationStatus.QUEUED, event=Event.REMINDER)
    mine = rows.filter(channel=reminders[0].channel_id, incident__in={row.incident_id for row in reminders})
    return set(mine.values_list("incident_id", "policy_id", "step_id"))


def _name_chain(row: Notification) -> Chain:
    return row.incident_id, row.policy_id, row.step_id


def _copy(row: Notification) -> tuple[Any, ...]:
    whom = (row.channel_id, row.incident_id, row.policy_id, row.step_id)
    return (*whom, row.event, row.severity, row.text, NotificationStatus.QUEUED)
