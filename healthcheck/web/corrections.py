"""What people corrected in the past of an endpoint, as everybody may know it: how much, and each published reason.

Nobody is named, and of a correction with a private reason only that there is one: it counts in every figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, ngettext

from healthcheck.engine.uptime import Effect
from healthcheck.models import Correction
from healthcheck.web.json_twin import write_instant
from healthcheck.web.rendering import build_instant
from healthcheck.web.words import describe_span

# As far back as a page shows anything.
SHOWN = timedelta(days=366)
MAX_NOTES = 20

EFFECT_WORDS: Mapping[Effect, Promise] = {
    Effect.MAINTENANCE: gettext_lazy("Maintenance"),
    Effect.FALSE_ALARM: gettext_lazy("False alarm"),
    Effect.EXCLUDED: gettext_lazy("Excluded"),
}
EFFECT_SENTENCES: Mapping[Effect, Promise] = {
    Effect.MAINTENANCE: gettext_lazy("Counts as maintenance, neither as good time nor as bad."),
    Effect.FALSE_ALARM: gettext_lazy("What was measured as degraded or down counts as up."),
    Effect.EXCLUDED: gettext_lazy("Counts neither as good time nor as bad."),
}


@dataclass(frozen=True, slots=True)
class Note:
    """A correction whose reason is published."""

    start: datetime
    end: datetime
    effect: Effect
    reason: str


@dataclass(frozen=True, slots=True)
class Corrections:
    """All that stand, by number, and the newest of those with a published reason."""

    count: int = 0
    published: int = 0
    notes: tuple[Note, ...] = ()


def load_corrections(endpoint_id: int, now: datetime) -> Corrections:
    """Return the corrections of what a page shows, newest first: two queries however many there are."""
    standing = Correction.objects.standing().filter(endpoint_id=endpoint_id, ends_at__gt=now - SHOWN)
    published = standing.filter(is_public=True).order_by("-starts_at", "-pk")
    rows = published.values_list("starts_at", "ends_at", "effect", "reason")[:MAX_NOTES]
    counts = standing.aggregate(all=Count("pk"), published=Count("pk", filter=Q(is_public=True)))
    notes = tuple(Note(start, end, Effect(effect), reason) for start, end, effect, reason in rows)
    return Corrections(counts["all"], counts["published"], notes)


def build_corrections(corrections: Corrections, now: datetime) -> dict[str, Any] | None:
    """Return what the template shows; None where nothing was corrected."""
    if not corrections.count:
        return None
    return {
        "sentences": _describe_counts(corrections),
        "notes": [_build_note(note, now) for note in corrections.notes],
    }


def describe_corrections(corrections: Corrections) -> dict[str, Any]:
    """Return the same for machines: `endpoint_twin` documents the keys."""
    return {"count": corrections.count, "published": [_describe_note(note) for note in corrections.notes]}


def _describe_counts(corrections: Corrections) -> list[str]:
    sentence = ngettext(
        "%(count)s interval of the last year was corrected by hand, and the figures of this page count it so.",
        "%(count)s intervals of the last year were corrected by hand, and the figures of this page count them so.",
        corrections.count,
    )
    sentences = [sentence % {"count": corrections.count}]
    if private := corrections.count - corrections.published:
        sentence = ngettext(
            "The reason of %(count)s is not published.", "The reasons of %(count)s are not published.", private
        )
        sentences.append(sentence % {"count": private})
    if corrections.published > len(corrections.notes):
        sentences.append(gettext("These are the newest %(count)s.") % {"count": len(corrections.notes)})
    return sentences


def _build_note(note: Note, now: datetime) -> dict[str, Any]:
    return {
        "effect": EFFECT_WORDS[note.effect],
        "counts": EFFECT_SENTENCES[note.effect],
        "reason": note.reason,
        "start": build_instant(note.start, now, with_seconds=False),
        "end": build_instant(note.end, now, with_seconds=False),
        "lasted": describe_span(note.end - note.start),
    }


def _describe_note(note: Note) -> dict[str, Any]:
    return {
        "starts_at": write_instant(note.start),
        "ends_at": write_instant(note.end),
        "effect": note.effect.name.lower(),
        "reason": note.reason,
    }
