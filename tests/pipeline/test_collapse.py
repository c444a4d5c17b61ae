from __future__ import annotations

from datetime import timedelta

import pytest

from healthcheck.engine.incidents import Event
from healthcheck.pipeline.collapse import ASKING, Collapsed, Queued, Truth, collapse
from tests.factories import NOW

LATER = NOW + timedelta(hours=1)
OVER, MUTED, ANSWERED, QUIET = Truth(is_over=True), Truth(is_muted=True), Truth(is_acknowledged=True), Truth(
    quiet_until=LATER
)  # fmt: skip


def queue(*events: Event) -> list[Queued]:
    return [Queued(place, 1, 1, event, event.word) for place, event in enumerate(events)]


@pytest.mark.parametrize(
    ("truth", "events", "told"),
    [
        (Truth(), [Event.OPENED], Event.OPENED),
        (Truth(), [Event.OPENED, Event.GREW, Event.UPDATED], Event.OPENED),
        (Truth(), [Event.GREW, Event.ESCALATED, Event.REMINDER], Event.ESCALATED),
        (Truth(), [Event.UPDATED, Event.REMINDER], Event.REMINDER),
        # It has begun again, or never ended.
        (Truth(), [Event.RESOLVED], None),
        (Truth(), [Event.ACKNOWLEDGED], None),
        (OVER, [Event.OPENED, Event.GREW, Event.RESOLVED], Event.RESOLVED),
        (OVER, [Event.ACKNOWLEDGED, Event.RESOLVED], Event.RESOLVED),
        (OVER, [Event.REMINDER, Event.ESCALATED], None),
        (OVER, [Event.UPDATED, Event.REMINDER], Event.UPDATED),
        (MUTED, [Event.OPENED, Event.UPDATED], None),
        (ANSWERED, [Event.OPENED, Event.ACKNOWLEDGED], Event.ACKNOWLEDGED),
        (ANSWERED, [Event.ESCALATED, Event.REMINDER], None),
        (ANSWERED, [Event.GREW, Event.REMINDER], Event.GREW),
        (QUIET, [Event.UPDATED], Event.UPDATED),
    ],
)
def test_one_thing_that_is_still_true_is_told(truth: Truth, events: list[Event], told: Event | None) -> None:
    collapsed = collapse(queue(*events), truth)
    assert collapsed.event is told
    assert collapsed.text == (told.word if told is not None else "")


def test_each_notification_has_one_end() -> None:
    events = [Event.OPENED, Event.ESCALATED, Event.RESOLVED, Event.UPDATED]
    assert collapse(queue(*events), Truth(is_acknowledged=True, quiet_until=LATER)) == Collapsed(
        Event.UPDATED, "updated", told=(3,), superseded=(1, 2), postponed=(0,)
    )


@pytest.mark.parametrize("event", [*Event])
def test_whoever_asked_for_quiet_is_not_asked_to_act(event: Event) -> None:
    assert (collapse(queue(event), QUIET).postponed == (0,)) == (event in ASKING)
