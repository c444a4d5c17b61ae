"""Says of incidents what a message says: what broke, since when, what it affects and what was seen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import F, OuterRef, Q, Subquery, Window
from django.db.models.functions import RowNumber

from healthcheck.engine.causes import describe_cause
from healthcheck.engine.incidents import Event, Severity
from healthcheck.models import (
    Endpoint,
    EndpointGroup,
    EndpointState,
    Evidence,
    Incident,
    IncidentMember,
    Notification,
)
from healthcheck.notifiers.message import MAX_NAMES, Item, read_message
from healthcheck.pipeline.links import Link, make_acknowledge_url, make_details_url
from healthcheck.pipeline.text import sanitise

MAX_TITLE_LENGTH, MAX_SEEN_LENGTH = 200, 300
# Members looked at for names: an endpoint is one for each of its locations.
_MAX_MEMBERS = 3 * MAX_NAMES
# Messages looked at for what was said: one that lists a great many counts the rest.
_MAX_MESSAGES = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """An incident, and what is told of it."""

    incident: Incident
    event: Event
    text: str


@dataclass(frozen=True, slots=True)
class _Member:
    endpoint_id: int
    location_id: int | None
    name: str


def write_incident_items(subjects: Sequence[Subject], channel_id: int) -> list[Item]:
    """Return an item for each. Four statements, whatever their number; none without any."""
    if not subjects:
        return []
    incidents = [subject.incident for subject in subjects]
    members = _load_members(incidents)
    groups = _load_group_names({each.group_id for each in incidents})
    seen = _load_seen([found[0] for each in incidents if not each.resolved_at and (found := members.get(each.pk))])
    return [
        _write_item(subject, channel_id, members=members.get(subject.incident.pk, ()), groups=groups, seen=seen)
        for subject in subjects
    ]


def read_told_item(link: Link) -> Item | None:
    """Return what the channel was last told of the incident, as the message said it. One statement."""
    told = Notification.objects.filter(incident=link.incident_id, channel=link.channel_id, delivery__isnull=False)
    messages = told.order_by("-pk").values_list("delivery__message", flat=True)[:_MAX_MESSAGES]
    items = (item for message in messages for item in read_message(message).items)
    return next((item for item in items if item.key == _write_key(link.incident_id)), None)


def _write_key(incident_id: int) -> str:
    return f"healthcheck-incident-{incident_id}"


def _write_item(
    subject: Subject,
    channel_id: int,
    *,
    members: Sequence[_Member],
    groups: Mapping[int | None, str],
    seen: Mapping[tuple[int, int | None], str],
) -> Item:
    incident = subject.incident
    # What nobody is concerned by any more is named by whom it concerned.
    is_past = incident.resolved_at is not None or incident.is_held
    count = incident.peak_count if is_past else incident.open_count
    names = tuple(dict.fromkeys(each.name for each in members))[:MAX_NAMES]
    was_seen = seen.get((members[0].endpoint_id, members[0].location_id), "") if members else ""
    return Item(
        event=subject.event,
        severity=Severity(incident.severity),
        key=_write_key(incident.pk),
        title=sanitise(incident.title or _name_incident(incident, groups, names, count), MAX_TITLE_LENGTH),
        cause="" if incident.is_manual else _describe_cause(incident, count),
        seen=was_seen,
        names=names,
        count=max(count, len(names)),
        started_at=incident.started_at,
        ended_at=incident.resolved_at,
        url=make_details_url(incident.pk),
        acknowledge_url=_make_acknowledge_url(incident, channel_id),
        # Who opens one and writes nothing has said its title.
        note="" if subject.text == incident.title else subject.text,
    )


def _name_incident(incident: Incident, groups: Mapping[int | None, str], names: Sequence[str], count: int) -> str:
    group = groups.get(incident.group_id, "")
    if count <= 1 and names:
        return f"{names[0]} in {group}" if group else names[0]
    return f"{count} of {incident.checked_count} in {group}" if group else str(incident)


def _describe_cause(incident: Incident, count: int) -> str:
    severity, host = Severity(incident.severity), incident.cause_host
    return describe_cause(severity, count, incident.checked_count, error_kind=incident.error_kind, host=host)


def _make_acknowledge_url(incident: Incident, channel_id: int) -> str:
    is_answered = incident.resolved_at is not None or incident.acknowledged_at is not None
    return "" if is_answered else make_acknowledge_url(Link(incident.pk, channel_id))


def _load_members(incidents: Sequence[Incident]) -> Mapping[int, list[_Member]]:
    """Return the first members of each: those that it concerns now, or where all have left those that it concerned."""
    past = [each.pk for each in incidents if each.resolved_at is not None or each.is_held]
    concerned = Q(left_at__isnull=True) | Q(incident__in=past)
    rows = IncidentMember.objects.filter(concerned, incident__in=[each.pk for each in incidents])
    place = Window(RowNumber(), partition_by=F("incident_id"), order_by="id")
    name = Subquery(Endpoint.objects.filter(pk=OuterRef("endpoint_id")).values("name")[:1])
    first = rows.annotate(place=place).filter(place__lte=_MAX_MEMBERS).annotate(name=name).order_by("incident_id", "id")
    members: dict[int, list[_Member]] = {}
    for incident_id, endpoint_id, location_id, text in first.values_list(
        "incident_id", "endpoint_id", "location_id", "name"
    ):
        if text is not None:
            members.setdefault(incident_id, []).append(_Member(endpoint_id, location_id, text))
    return members


def _load_group_names(group_ids: Collection[int | None]) -> Mapping[int | None, str]:
    rows = EndpointGroup.objects.filter(pk__in=[each for each in group_ids if each is not None])
    return dict(rows.values_list("pk", "name"))


def _load_seen(members: Sequence[_Member]) -> Mapping[tuple[int, int | None], str]:
    """Return what was last seen of each member that failed, in one sentence."""
    states = EndpointState.objects.filter(endpoint__in=[each.endpoint_id for each in members])
    runs = {(endpoint_id, run_id): location_id for endpoint_id, location_id, run_id in states.values_list(
        "endpoint_id", "location_id", "last_run_id"
    )}  # fmt: skip
    evidence = Evidence.objects.filter(
        endpoint_id__in={endpoint_id for endpoint_id, _run in runs}, run_id__in={run_id for _endpoint, run_id in runs}
    )
    return {
        (endpoint_id, runs[endpoint_id, run_id]): _write_seen(facts)
        for endpoint_id, run_id, facts in evidence.values_list("endpoint_id", "run_id", "facts")
        if (endpoint_id, run_id) in runs
    }


def _write_seen(facts: Mapping[str, object]) -> str:
    sentence, found = str(facts.get("sentence", "")), str(facts.get("found", ""))
    return sanitise(f"{sentence} Found: {found}." if found and found not in sentence else sentence, MAX_SEEN_LENGTH)
