"""What the thresholds made of one result: how many in a row it was, and which state that led to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from healthcheck.admin.look.words import describe_instant
from healthcheck.engine.transitions import Thresholds
from healthcheck.engine.types import State
from healthcheck.models import CheckRun, Transition

# Changes of state looked at: a later change may have begun, but not been confirmed, before this result.
MAX_CHANGES = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """An endpoint's state right after a result, and since when. `before` is set when this very result changed it."""

    state: State = State.UNKNOWN
    since: datetime | None = None
    before: State | None = None


def find_standing(run: CheckRun | None, endpoint_id: int) -> Standing | None:
    """Return the state after the run in one query; None when the run, and with it the time, is gone."""
    if run is None or run.finished_at is None:
        return None
    started_at = run.started_at or run.scheduled_for
    changes = Transition.objects.filter(
        endpoint_id=endpoint_id, location_id=run.location_id, at__lte=run.finished_at
    ).order_by("-at", "-pk")[:MAX_CHANGES]
    for change in changes:
        if change.confirmed_at <= run.finished_at:
            before = State(change.from_state) if change.confirmed_at >= started_at else None
            return Standing(State(change.to_state), change.at, before)
    return Standing()


def describe_streak(verdicts: Sequence[State], standing: Standing | None, thresholds: Thresholds) -> str:
    """Return the sentence about the thresholds; `verdicts` are newest first, this result's leading."""
    if standing is None or not verdicts:
        return ""
    if verdicts[0] is State.UNKNOWN:
        return _("A check that measured nothing changes no state: it stayed %(state)s.") % {
            "state": standing.state.word
        }
    if standing.before is not None:
        return _describe_change(standing, standing.before, thresholds)
    return _describe_rest(verdicts, standing, thresholds)


def _describe_change(standing: Standing, before: State, thresholds: Thresholds) -> str:
    words = {"state": standing.state.word, "since": describe_instant(standing.since)}
    if before is State.UNKNOWN:
        return _("Nothing fresh was known before, so it is %(state)s since %(since)s.") % words
    if standing.state > before:
        words["count"] = str(thresholds.failure)
        return _("Failed %(count)s of %(count)s in a row, so it is %(state)s since %(since)s.") % words
    words["count"] = str(thresholds.recovery)
    return _("Better %(count)s of %(count)s in a row, so it is %(state)s since %(since)s.") % words


def _describe_rest(verdicts: Sequence[State], standing: Standing, thresholds: Thresholds) -> str:
    verdict, state = verdicts[0], standing.state
    words = {"state": state.word, "since": describe_instant(standing.since)}
    if state is State.UNKNOWN:
        return _("Its state stayed unknown: what was known before decides together with the next results.")
    if verdict == state:
        if state is State.UP:
            return _("It has been up since %(since)s.") % words
        words["count"] = str(_count(verdicts, lambda each: each > State.UP))
        return _("It was %(state)s already, since %(since)s; this is number %(count)s in a row that failed.") % words
    if verdict > state:
        words |= {"count": str(_count(verdicts, lambda each: each > state)), "needed": str(thresholds.failure)}
        return _("Failed %(count)s of %(needed)s in a row, so it stayed %(state)s, as since %(since)s.") % words
    words |= {"count": str(_count(verdicts, lambda each: each < state)), "needed": str(thresholds.recovery)}
    return _("Better %(count)s of %(needed)s in a row, so it stayed %(state)s, as since %(since)s.") % words


def _count(verdicts: Sequence[State], belongs: Callable[[State], bool]) -> int:
    """Return how many in a row belong; those that say nothing interrupt no streak, as in `engine.transitions`."""
    count = 0
    for verdict in verdicts:
        if verdict is State.UNKNOWN:
            continue
        if not belongs(verdict):
            break
        count += 1
    return count
