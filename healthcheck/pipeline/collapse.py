"""Collapses what waits for a channel to what is still true: of an incident one thing is told, or nothing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from healthcheck.engine.incidents import Event

# What asks people to act: of no use while they said not now, nor while nobody may be woken.
ASKING = frozenset({Event.OPENED, Event.GREW, Event.ESCALATED, Event.REMINDER})
# What asks again, which an acknowledgement answers.
ASKING_AGAIN = frozenset({Event.ESCALATED, Event.REMINDER})
# Where several are due at once, the first of these is what is said.
_FOREMOST = (
    Event.RESOLVED,
    Event.ACKNOWLEDGED,
    Event.OPENED,
    Event.ESCALATED,
    Event.GREW,
    Event.REMINDER,
    Event.UPDATED,
)


@dataclass(frozen=True, slots=True)
class Queued:
    """A notification of an incident whose turn has come."""

    notification_id: int
    policy_id: int | None
    step_id: int | None
    event: Event
    text: str = ""


@dataclass(frozen=True, slots=True)
class Truth:
    """How an incident is now.

    Until `quiet_until` nobody is asked to act: somebody said so, it is maintenance, or nothing is down of what flaps.
    Until `unseen_until` nobody knows whether it lasts, so nobody is told that it does.
    """

    is_over: bool = False
    is_muted: bool = False
    is_acknowledged: bool = False
    quiet_until: datetime | None = None
    unseen_until: datetime | None = None

    def find_turn(self, event: Event) -> datetime | None:
        """Return until when this event waits; None where it is told now."""
        if event in ASKING and self.quiet_until is not None:
            return self.quiet_until
        return self.unseen_until if event is Event.REMINDER else None


@dataclass(frozen=True, slots=True)
class Collapsed:
    """What is told of it, `event` None for nothing, and what becomes of each notification, by id."""

    event: Event | None
    text: str
    told: tuple[int, ...]
    superseded: tuple[int, ...]
    postponed: tuple[int, ...]


def collapse(queued: Sequence[Queued], truth: Truth) -> Collapsed:
    """Return the one thing that is still true of all that is queued of an incident, in the order of its turn."""
    useful = [each for each in queued if _is_useful(each.event, queued, truth)]
    postponed = [each for each in useful if truth.find_turn(each.event) is not None]
    told = [each for each in useful if each not in postponed]
    event = next((event for event in _FOREMOST if any(each.event is event for each in told)), None)
    text = next((each.text for each in reversed(told) if each.event is event), "")
    superseded = [each for each in queued if each not in useful]
    return Collapsed(event, text, _list_ids(told), _list_ids(superseded), _list_ids(postponed))


def _is_useful(event: Event, queued: Sequence[Queued], truth: Truth) -> bool:
    if truth.is_over:
        # That it is over says all that came before.
        ends = any(each.event is Event.RESOLVED for each in queued)
        return ends or event is Event.UPDATED
    if truth.is_muted or event is Event.RESOLVED:
        return False
    if event is Event.ACKNOWLEDGED:
        return truth.is_acknowledged
    return not (truth.is_acknowledged and event in ASKING_AGAIN)


def _list_ids(queued: Sequence[Queued]) -> tuple[int, ...]:
    return tuple(each.notification_id for each in queued)
