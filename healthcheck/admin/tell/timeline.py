"""What happened in an incident, newest first: who joined and left it, what people did and wrote, who was told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from healthcheck.admin.look.words import describe_instant
from healthcheck.admin.tell.words import SEVERITY_WORDS, STAGE_WORDS, describe_told, name_kind, split_name
from healthcheck.engine.incidents import Severity, Stage
from healthcheck.engine.types import State
from healthcheck.models import (
    DeliveryStatus,
    Incident,
    IncidentMember,
    IncidentUpdate,
    IncidentUpdateKind,
    Notification,
    NotificationStatus,
    Transition,
)
from healthcheck.web.written import draw_markdown

# More than anybody reads on one page, of each kind of entry; the newest are shown.
MAX_UPDATES = 100
MAX_MEMBERS = 500
MAX_TOLD = 200
MAX_CHANGES = 200
MAX_NAMES = 10
# What comes within so long of each other came together: results of one run arrive one by one.
TOGETHER = timedelta(seconds=10)
# What people write a text for.
_WRITTEN = frozenset(
    {
        IncidentUpdateKind.UPDATE,
        IncidentUpdateKind.NOTE,
        IncidentUpdateKind.OPENED,
        IncidentUpdateKind.RESOLVED,
    }
)
# Among which a member moves without leaving.
_SEVERITIES: Mapping[int, Severity] = {State.DEGRADED: Severity.DEGRADED, State.DOWN: Severity.DOWN}


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    what: str
    text: str = ""
    author: str = ""
    # What a person wrote, as markup.
    written: SafeString | None = None
    is_public: bool = False

    @property
    def time(self) -> str:
        return describe_instant(self.at)


def load_timeline(incident: Incident, members: Sequence[IncidentMember], names: Mapping[int, str]) -> list[Entry]:
    """Return the entries, in three queries besides the members and their names."""
    updates = incident.updates.order_by("-at", "-pk")[:MAX_UPDATES]
    told = (
        Notification.objects.filter(incident=incident)
        .exclude(status=NotificationStatus.SUPERSEDED)
        .select_related("channel", "delivery")
        .order_by("-pk")[:MAX_TOLD]
    )
    entries = [
        *(_write_update(each) for each in updates),
        *_write_moves(members, names),
        *_write_changes(_load_changes(incident, members), names),
        *_write_told(told),
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def _write_update(update: IncidentUpdate) -> Entry:
    what = str(IncidentUpdateKind(update.kind).label)
    if update.kind == IncidentUpdateKind.UPDATE and update.stage:
        what = _("update: %(stage)s") % {"stage": STAGE_WORDS[Stage(update.stage)]}
    is_written = update.kind in _WRITTEN
    if update.kind == IncidentUpdateKind.SNOOZED:
        until = describe_instant(datetime.fromisoformat(update.text))
        return Entry(update.at, what, _("until %(time)s") % {"time": until}, author=update.author_name)
    words: dict[str, Any] = {"written": draw_markdown(update.text)} if is_written else {"text": update.text}
    return Entry(update.at, what, author=update.author_name, is_public=update.is_public, **words)


def _write_moves(members: Sequence[IncidentMember], names: Mapping[int, str]) -> Iterable[Entry]:
    """Return an entry for those who joined together, and for those who left together."""
    joined = [(each.joined_at, each.error_kind, each.endpoint_id) for each in members]
    left = [(each.left_at, 0, each.endpoint_id) for each in members if each.left_at is not None]
    for at, kind, ids in _gather(joined):
        what = ngettext("%(count)s endpoint joined", "%(count)s endpoints joined", len(ids)) % {"count": len(ids)}
        yield Entry(at, f"{what}: {name_kind(kind)}" if kind else what, _list_names(ids, names))
    for at, _kind, ids in _gather(left):
        what = ngettext("%(count)s endpoint left", "%(count)s endpoints left", len(ids)) % {"count": len(ids)}
        yield Entry(at, what, _list_names(ids, names))


def _gather(moves: Iterable[tuple[datetime, int, int]]) -> Iterable[tuple[datetime, int, set[int]]]:
    """Return when endpoints of each kind began to move together, and which."""
    begun: dict[int, tuple[datetime, set[int]]] = {}
    for at, kind, endpoint_id in sorted(moves, key=itemgetter(0)):
        if kind in begun and at - begun[kind][0] > TOGETHER:
            yield begun[kind][0], kind, begun.pop(kind)[1]
        begun.setdefault(kind, (at, set()))[1].add(endpoint_id)
    yield from ((at, kind, ids) for kind, (at, ids) in begun.items())


def _load_changes(incident: Incident, members: Sequence[IncidentMember]) -> list[Transition]:
    """Return how members became worse or better while they were concerned, but for what they joined and left by."""
    joined = {member.endpoint_id: member.joined_at for member in members}
    rows = Transition.objects.filter(endpoint_id__in=joined, location=incident.location_id, at__gt=incident.started_at)
    if incident.resolved_at is not None:
        rows = rows.filter(at__lte=incident.resolved_at)
    worse = rows.filter(to_state__in=_SEVERITIES).exclude(from_state=State.UP).order_by("-at", "-pk")[:MAX_CHANGES]
    return [each for each in worse if each.at > joined[each.endpoint_id]]


def _write_changes(changes: Iterable[Transition], names: Mapping[int, str]) -> Iterable[Entry]:
    for at, state, ids in _gather((each.at, each.to_state, each.endpoint_id) for each in changes):
        words = {"count": len(ids), "state": SEVERITY_WORDS[_SEVERITIES[state]]}
        what = ngettext("%(count)s endpoint became %(state)s", "%(count)s endpoints became %(state)s", len(ids))
        yield Entry(at, what % words, _list_names(ids, names))


def _name_endpoint(endpoint_id: int, names: Mapping[int, str]) -> str:
    return names.get(endpoint_id) or _("endpoint %(id)s") % {"id": endpoint_id}


def _write_told(told: Iterable[Notification]) -> Iterable[Entry]:
    for each in told:
        delivery, about = each.delivery, {"channel": each.channel.name, "what": describe_told(each.event)}
        if delivery is None:
            # It may lie ahead: a step, a reminder.
            yield Entry(each.due_at, _("due: %(channel)s is told %(what)s") % about)
        elif delivery.status == DeliveryStatus.DELIVERED:
            yield Entry(delivery.ended_at or delivery.created_at, _("%(channel)s was told %(what)s") % about)
        elif delivery.status == DeliveryStatus.FAILED:
            failed = _("%(channel)s could not be told %(what)s") % about
            yield Entry(delivery.ended_at or delivery.created_at, failed, delivery.answer)
        else:
            yield Entry(delivery.created_at, _("%(channel)s is being told %(what)s") % about, delivery.answer)


def _list_names(ids: Iterable[int], names: Mapping[int, str]) -> str:
    unique = sorted({_name_endpoint(each, names) for each in ids}, key=split_name)
    more = len(unique) - MAX_NAMES
    shown = ", ".join(unique[:MAX_NAMES])
    if more <= 0:
        return shown
    return f"{shown} " + ngettext("and %(count)s more", "and %(count)s more", more) % {"count": more}
