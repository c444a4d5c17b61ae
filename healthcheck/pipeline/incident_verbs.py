"""What people do about incidents. Each is one transaction: a conditional update decides who was first, the timeline
says who did it, and whoever is to hear of it is queued.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from healthcheck.engine.incidents import Event, Happening, Severity, Stage
from healthcheck.models import (
    Endpoint,
    Incident,
    IncidentMember,
    IncidentUpdate,
    IncidentUpdateKind,
)
from healthcheck.pipeline.authors import hold_account
from healthcheck.pipeline.bulk import insert_rows
from healthcheck.pipeline.correct import Author
from healthcheck.pipeline.notify import queue_notifications
from healthcheck.pipeline.put_off import put_off
from healthcheck.pipeline.text import REPLACEMENT, sanitise

MAX_TEXT_LENGTH, MAX_POST_MORTEM_LENGTH = 5_000, 20_000
MAX_TITLE_LENGTH, MAX_NAME_LENGTH = 200, 200
# As many as a person corrects at once; an incident of more is better told in words.
MAX_MEMBERS = 1_000
# What a message says of what a person wrote.
MAX_LINE_LENGTH = 500
_MEMBER_COLUMNS = ("incident_id", "endpoint_id", "location_id", "state", "error_kind", "joined_at")


@dataclass(frozen=True, slots=True)
class Acted:
    """Whether anything changed: somebody else may have been first. The channels have something due now."""

    is_done: bool
    channel_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Said:
    """What a person writes about an incident; without a stage it is a note, for colleagues alone."""

    text: str
    stage: Stage | None = None
    is_public: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """An incident that a person opens."""

    title: str
    severity: Severity
    endpoint_ids: Sequence[int] = ()
    text: str = ""
    is_public: bool = False


def acknowledge(incident_id: int, *, author: Author, now: datetime) -> Acted:
    """Say that somebody cares for it: nobody else is asked."""
    with transaction.atomic():
        waiting = Incident.objects.open().filter(pk=incident_id, acknowledged_at__isnull=True)
        name = sanitise(author.name, MAX_NAME_LENGTH)
        if not waiting.update(acknowledged_at=now, acknowledged_by_name=name, snoozed_until=None):
            return Acted(False)
        _note(incident_id, IncidentUpdateKind.ACKNOWLEDGED, author=author, now=now)
        return _tell(incident_id, Event.ACKNOWLEDGED, now, text=name)


def snooze(incident_id: int, *, until: datetime, author: Author, now: datetime) -> Acted:
    """Let nobody be asked until then; whoever was told is asked again once it is over."""
    with transaction.atomic():
        incident = Incident.objects.open().select_for_update(no_key=True, of=("self",)).filter(pk=incident_id).first()
        if incident is None:
            return Acted(False)
        put_off(incident, until, now)
        incident.snoozed_until = until
        incident.save(update_fields=["snoozed_until"])
        _note(incident_id, IncidentUpdateKind.SNOOZED, author=author, now=now, text=until.isoformat())
        return Acted(True)


def assign(incident_id: int, assignee: Author | None, *, author: Author, now: datetime) -> Acted:
    """Give it to somebody, or to nobody. Raises ValidationError for somebody whose account is gone."""
    same = Q(assignee=assignee.id) if assignee is not None else Q(assignee__isnull=True)
    with transaction.atomic():
        if assignee is not None and hold_account(assignee.id) is None:
            raise ValidationError({"assignee": _("It does not exist any more.")})
        others = Incident.objects.open().filter(pk=incident_id).exclude(same)
        if not others.update(assignee=assignee.id if assignee is not None else None):
            return Acted(False)
        name = assignee.name if assignee is not None else ""
        _note(incident_id, IncidentUpdateKind.ASSIGNED, author=author, now=now, text=name)
        return Acted(True)


def write(incident_id: int, said: Said, *, author: Author, now: datetime) -> Acted:
    """Add a note, or an update with a stage, which is told. Raises ValidationError by field."""
    text = _clean_text(said.text, MAX_TEXT_LENGTH)
    if said.stage is Stage.RESOLVED:
        return resolve_by_hand(incident_id, text=text, is_public=said.is_public, author=author, now=now)
    if not text:
        raise ValidationError({"text": _("Write what you know; an empty message helps nobody.")})
    with transaction.atomic():
        if said.stage is None:
            if not Incident.objects.filter(pk=incident_id).exists():
                return Acted(False)
            _note(incident_id, IncidentUpdateKind.NOTE, author=author, now=now, text=text)
            return Acted(True)
        if not Incident.objects.open().filter(pk=incident_id).update(stage=said.stage):
            return Acted(False)
        shown = {"stage": said.stage, "is_public": said.is_public}
        _note(incident_id, IncidentUpdateKind.UPDATE, author=author, now=now, text=text, **shown)
        return _tell(incident_id, Event.UPDATED, now, text=text)


def resolve_by_hand(
    incident_id: int, *, author: Author, now: datetime, text: str = "", is_public: bool = False
) -> Acted:
    """End it. Raises ValidationError for one that would open again at once, because its endpoints are not up."""
    with transaction.atomic():
        ends = Incident.objects.open().filter(Q(is_manual=True) | Q(open_count=0), pk=incident_id)
        columns = {"resolved_at": now, "stage": Stage.RESOLVED.value, "open_count": 0, "snoozed_until": None}
        if not ends.update(**columns):
            _refuse_open(incident_id)
            return Acted(False)
        IncidentMember.objects.filter(incident=incident_id, left_at__isnull=True).update(left_at=now)
        shown = {"stage": Stage.RESOLVED, "is_public": is_public}
        _note(incident_id, IncidentUpdateKind.RESOLVED, author=author, now=now, text=text, **shown)
        return _tell(incident_id, Event.RESOLVED, now, text=text)


def open_manual(draft: Draft, *, author: Author, now: datetime) -> tuple[Incident, frozenset[int]]:
    """Open an incident that no check has found. Raises ValidationError by field."""
    title, text = _clean_title(draft.title), _clean_text(draft.text, MAX_TEXT_LENGTH)
    ids = sorted(set(draft.endpoint_ids))
    if len(ids) > MAX_MEMBERS:
        sentence = _("An incident names at most %(limit)s endpoints; choose fewer, and say the rest in words.")
        raise ValidationError({"endpoints": sentence % {"limit": MAX_MEMBERS}})
    with transaction.atomic():
        ids = list(Endpoint.objects.existing().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))
        incident = Incident.objects.create(
            title=title,
            is_manual=True,
            severity=draft.severity,
            is_public=draft.is_public,
            started_at=now,
            open_count=len(ids),
            peak_count=len(ids),
            checked_count=len(ids),
        )
        insert_rows(IncidentMember, _MEMBER_COLUMNS, ((incident.pk, pk, None, 0, 0, now) for pk in ids))
        shown = {"stage": Stage.INVESTIGATING, "is_public": draft.is_public}
        _note(incident.pk, IncidentUpdateKind.OPENED, author=author, now=now, text=text, **shown)
        return incident, _tell(incident.pk, Event.OPENED, now, text=text or title).channel_ids


def show_publicly(incident_id: int, *, is_public: bool, title: str, author: Author, now: datetime) -> Acted:
    """Show it on status pages under this title, or take it from them. Raises ValidationError by field."""
    name = _clean_title(title) if title.strip() or is_public else ""
    columns = {"is_public": is_public} | ({"title": name} if name else {})
    with transaction.atomic():
        differing = Incident.objects.filter(pk=incident_id).exclude(**columns)
        if not differing.update(**columns):
            return Acted(False)
        text = _("shown on status pages as “%(title)s”") % {"title": name} if is_public else _("not on status pages")
        _note(incident_id, IncidentUpdateKind.NOTE, author=author, now=now, text=text)
        return Acted(True)


def write_post_mortem(incident_id: int, text: str, *, author: Author, now: datetime) -> Acted:
    """Keep what people learned, once it is over."""
    cleaned = _clean_text(text, MAX_POST_MORTEM_LENGTH)
    with transaction.atomic():
        over = Incident.objects.filter(pk=incident_id, resolved_at__isnull=False).exclude(post_mortem=cleaned)
        if not over.update(post_mortem=cleaned):
            return Acted(False)
        _note(incident_id, IncidentUpdateKind.NOTE, author=author, now=now, text=_("wrote the post-mortem"))
        return Acted(True)


def _note(
    incident_id: int, kind: IncidentUpdateKind, *, author: Author, now: datetime, text: str = "", **columns: Any
) -> None:
    IncidentUpdate.objects.create(
        incident_id=incident_id,
        at=now,
        kind=kind,
        text=sanitise(text, MAX_TEXT_LENGTH),
        author_id=hold_account(author.id),
        author_name=sanitise(author.name, MAX_NAME_LENGTH),
        **columns,
    )


def _tell(incident_id: int, event: Event, now: datetime, *, text: str) -> Acted:
    """Queue who is to hear of it, in the caller's transaction."""
    severity = Severity(Incident.objects.values_list("severity", flat=True).get(pk=incident_id))
    members = IncidentMember.objects.filter(incident=incident_id)
    if event is not Event.RESOLVED:
        members = members.filter(left_at__isnull=True)
    ids = tuple(members.order_by("endpoint_id").values_list("endpoint_id", flat=True).distinct())
    line = sanitise(" ".join(text.split()), MAX_LINE_LENGTH)
    return Acted(True, queue_notifications([Happening(event, incident_id, severity, ids, line)], now))


def _refuse_open(incident_id: int) -> None:
    if Incident.objects.open().filter(pk=incident_id).exists():
        sentence = _(
            "It ends by itself once its endpoints are up, and would open again at once; acknowledge or snooze it, or "
            "put them into maintenance."
        )
        raise ValidationError(sentence)


def _clean_text(text: str, limit: int) -> str:
    cleaned = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(cleaned) > limit:
        sentence = _("It may have %(limit)s characters, and has %(count)s; shorten it.")
        raise ValidationError({"text": sentence % {"limit": limit, "count": len(cleaned)}})
    return sanitise(cleaned, max(len(cleaned), 1))


def _clean_title(title: str) -> str:
    line = " ".join(title.split())
    cleaned = sanitise(line, max(len(line), 1))
    if not cleaned.replace(REPLACEMENT, "").strip():
        raise ValidationError({"title": _("Give it a title that others understand.")})
    if len(cleaned) > MAX_TITLE_LENGTH:
        sentence = _("The title may have %(limit)s characters, and has %(count)s; shorten it.")
        raise ValidationError({"title": sentence % {"limit": MAX_TITLE_LENGTH, "count": len(cleaned)}})
    return cleaned
