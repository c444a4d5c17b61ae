"""The words of incidents: what one is called, how bad it is, how far people are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.look.badges import draw_state
from healthcheck.admin.look.words import describe_age, describe_moment
from healthcheck.engine.incidents import Event, Severity, Stage
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import Incident

SEVERITY_WORDS: Mapping[Severity, Promise] = {
    Severity.NOTICE: gettext_lazy("notice"),
    Severity.DEGRADED: gettext_lazy("degraded"),
    Severity.DOWN: gettext_lazy("down"),
}
STAGE_WORDS: Mapping[Stage, Promise] = {
    Stage.INVESTIGATING: gettext_lazy("investigating"),
    Stage.IDENTIFIED: gettext_lazy("identified"),
    Stage.MONITORING: gettext_lazy("monitoring"),
    Stage.RESOLVED: gettext_lazy("resolved"),
}
# What somebody was told of an incident, after “was told”.
_TOLD: Mapping[int, Promise] = {
    Event.OPENED: gettext_lazy("that it opened"),
    Event.GREW: gettext_lazy("that it grew"),
    Event.ESCALATED: gettext_lazy("that nobody has acknowledged it"),
    Event.REMINDER: gettext_lazy("that it lasts"),
    Event.UPDATED: gettext_lazy("what is new"),
    Event.ACKNOWLEDGED: gettext_lazy("that it is acknowledged"),
    Event.RESOLVED: gettext_lazy("that it is over"),
}
_LOOKS = {Severity.NOTICE: State.UNKNOWN, Severity.DEGRADED: State.DEGRADED, Severity.DOWN: State.DOWN}


def draw_severity(severity: Severity) -> SafeString:
    return draw_state(_LOOKS[severity], word=str(SEVERITY_WORDS[severity]))


def draw_incident(incident: Incident) -> SafeString:
    """Return the badge of how bad it is; nothing is, of one that is held open."""
    if incident.is_held:
        return draw_state(State.UNKNOWN, word=_("held open"))
    return draw_severity(Severity(incident.severity))


def describe_standing(incident: Incident, now: datetime) -> SafeString:
    """Return since when it is open, or when it ended and how long it took."""
    if incident.resolved_at is not None:
        lasted = describe_age((incident.resolved_at - incident.started_at).total_seconds())
        words = _("resolved after %(time)s") % {"time": lasted}
        shape = '<span class="hc-cell"><span class="hc-time">{}</span><br>{}</span>'
        return format_html(shape, words, _draw_time(incident.resolved_at))
    age = describe_age((now - incident.started_at).total_seconds())
    words = _("open for %(time)s") % {"time": age}
    shape = '<span class="hc-cell"><strong class="hc-time">{}</strong><br>{}</span>'
    return format_html(shape, words, _draw_time(incident.started_at))


def describe_attention(incident: Incident, now: datetime) -> str:
    """Return who cares for it, or why nobody has to; empty for nobody."""
    parts = [_("flapping")] if incident.is_held else []
    if incident.parent_id is not None and incident.resolved_at is None:
        parts.append(_("affected by another"))
    if incident.acknowledged_at is not None:
        parts.append(_("acknowledged by %(name)s") % {"name": incident.acknowledged_by_name or "–"})
    if incident.snoozed_until is not None and incident.snoozed_until > now and incident.resolved_at is None:
        parts.append(_("snoozed until %(time)s") % {"time": describe_moment(incident.snoozed_until)})
    if incident.assignee is not None:
        parts.append(_("assigned to %(name)s") % {"name": incident.assignee})
    return ", ".join(parts)


def name_kind(number: int) -> str:
    return ErrorKind(number).word if number in {kind.value for kind in ErrorKind} else ""


def _draw_time(at: datetime) -> SafeString:
    return format_html('<span class="hc-quiet hc-time">{}</span>', describe_moment(at))


def name_incident(incident: Incident) -> str:
    """Return its title, or what its members have in common."""
    return incident.title or describe_cause(incident) or _("incident %(id)s") % {"id": incident.pk}


def describe_cause(incident: Incident) -> str:
    """Return how many were concerned, why, and on which host; empty for one that people opened."""
    if incident.is_manual:
        return ""
    word = SEVERITY_WORDS[Severity(incident.severity)]
    checked = max(incident.checked_count, incident.peak_count)
    counts = {"peak": incident.peak_count, "all": checked, "word": word}
    counted = _("%(peak)s of %(all)s %(word)s") % counts if checked > 1 else str(word)
    reasons = [name_kind(incident.error_kind).replace("_", " ")] if incident.error_kind else []
    place = _("all on %(host)s") if incident.peak_count > 1 else _("on %(host)s")
    reasons += [place % {"host": incident.cause_host}] if incident.cause_host else []
    return f"{counted}: {', '.join(reasons)}" if reasons else counted


def describe_told(event: int) -> Promise:
    return _TOLD.get(event, _TOLD[Event.UPDATED])


def split_name(name: str) -> list[tuple[str, int]]:
    """Return what sorts names as people count: “node 2” before “node 10”."""
    return [(words, int(digits or 0)) for words, digits in re.findall(r"(\D*)(\d*)", name.casefold())]
