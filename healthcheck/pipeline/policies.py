"""Reads the policies, and whose they are: which of them hold for these endpoints at this severity."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from healthcheck.engine.types import ConfigurationError
from healthcheck.engine.week_hours import WeekHours, parse_week_hours
from healthcheck.models import Endpoint, EndpointGroup, NotificationPolicy, PolicyStep
from healthcheck.pipeline.marks import ASKED_IDS
from healthcheck.pipeline.statements import fetch

logger = logging.getLogger(__name__)

_COLUMNS = ("pk", "min_severity", "hours", "timezone", "sends_recovery", "reminder_minutes")
_ENDPOINT = Endpoint._meta.db_table
_ENDPOINT_TAG, _GROUP_TAG = Endpoint.tags.through._meta.db_table, EndpointGroup.tags.through._meta.db_table
_SELECT_PLACES = f"""
    SELECT e.id, e.group_id, t.tag_id FROM {_ENDPOINT} e LEFT JOIN {_ENDPOINT_TAG} t ON t.endpoint_id = e.id
    WHERE e.id IN {{ids}}
    UNION SELECT e.id, e.group_id, t.tag_id FROM {_ENDPOINT} e JOIN {_GROUP_TAG} t ON t.endpointgroup_id = e.group_id
    WHERE e.id IN {{ids}}
"""  # noqa: S608  # our own names


@dataclass(frozen=True, slots=True)
class Step:
    step_id: int
    after: timedelta
    channel_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that is in force. Without groups and tags it holds for every endpoint."""

    policy_id: int
    min_severity: int
    group_ids: frozenset[int]
    tag_ids: frozenset[int]
    hours: WeekHours
    sends_recovery: bool
    reminds_every: timedelta | None
    steps: tuple[Step, ...]

    @property
    def is_for_all(self) -> bool:
        return not self.group_ids and not self.tag_ids

    def holds_for(self, severity: int, places: Iterable[Place]) -> bool:
        if severity < self.min_severity:
            return False
        return self.is_for_all or any(
            place.group_id in self.group_ids or not place.tag_ids.isdisjoint(self.tag_ids) for place in places
        )


@dataclass(frozen=True, slots=True)
class Place:
    """The group of an endpoint, and the tags of both."""

    group_id: int
    tag_ids: frozenset[int]


def load_policies() -> list[Policy]:
    """Return the policies in force with their steps to channels in use. Five statements, or one where there is none.

    Without a model for each row: two hundred policies took 145 ms of CPU with them, and take 11 ms so.
    """
    rows = NotificationPolicy.objects.filter(is_enabled=True).order_by("pk").values_list(*_COLUMNS)
    found = list(rows)
    if not found:
        return []
    groups = _gather(NotificationPolicy.groups.through.objects.values_list("notificationpolicy_id", "endpointgroup_id"))
    tags = _gather(NotificationPolicy.tags.through.objects.values_list("notificationpolicy_id", "tag_id"))
    steps = _load_steps()
    return [
        Policy(
            policy_id=pk,
            min_severity=min_severity,
            group_ids=frozenset(groups[pk]),
            tag_ids=frozenset(tags[pk]),
            hours=_read_hours(pk, hours, timezone),
            sends_recovery=sends_recovery,
            reminds_every=timedelta(minutes=reminder_minutes) if reminder_minutes else None,
            steps=tuple(steps[pk]),
        )
        for pk, min_severity, hours, timezone, sends_recovery, reminder_minutes in found
    ]


def _load_steps() -> Mapping[int, Sequence[Step]]:
    used = PolicyStep.channels.through.objects.filter(notificationchannel__is_enabled=True)
    channels = _gather(used.values_list("policystep_id", "notificationchannel_id"))
    steps = defaultdict[int, list[Step]](list)
    rows = PolicyStep.objects.order_by("policy_id", "after_minutes", "pk")
    for pk, policy_id, after_minutes in rows.values_list("pk", "policy_id", "after_minutes"):
        steps[policy_id].append(Step(pk, timedelta(minutes=after_minutes), tuple(sorted(channels[pk]))))
    return steps


def _gather(pairs: Iterable[tuple[int, int]]) -> Mapping[int, list[int]]:
    """Return the second of each pair by the first; none for what has no pair."""
    gathered = defaultdict[int, list[int]](list)
    for owner, owned in pairs:
        gathered[owner].append(owned)
    return gathered


def load_places(endpoint_ids: Iterable[int]) -> Mapping[int, Place]:
    """Return where these endpoints belong, in one statement for any number."""
    asked = json.dumps(sorted(set(endpoint_ids)))
    groups, tags = dict[int, int](), defaultdict[int, set[int]](set)
    for endpoint_id, group_id, tag_id in fetch(_SELECT_PLACES.format(ids=ASKED_IDS[connection.vendor]), asked, asked):
        groups[endpoint_id] = group_id
        if tag_id is not None:
            tags[endpoint_id].add(tag_id)
    return {each: Place(group_id, frozenset(tags[each])) for each, group_id in groups.items()}


def find_due(policies: Sequence[Policy], policy_id: int | None, at: datetime) -> datetime:
    """Return when a policy may tell what is to be told from `at` on. What became of others is told at once."""
    policy = next((each for each in policies if each.policy_id == policy_id), None)
    return at if policy is None else policy.hours.find_next(at)


def _read_hours(policy_id: int, hours: str, timezone: str) -> WeekHours:
    try:
        return parse_week_hours(hours, timezone)
    except ConfigurationError as error:
        # What was saved past the forms, or a time zone that vanished: rather a message at night than none.
        logger.warning("hours of a policy cannot be read", extra={"policy": policy_id, "field": error.field})
        return parse_week_hours("", "UTC")
