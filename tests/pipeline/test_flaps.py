"""What goes down and up again and again is one incident. On both databases."""

from __future__ import annotations

import pytest

from healthcheck.engine.incidents import Event, Severity
from healthcheck.engine.types import State
from healthcheck.models import (
    EndpointGroup,
    Incident,
    IncidentMember,
    IncidentUpdate,
    IncidentUpdateKind,
    Notification,
    NotificationChannel,
    NotificationStatus,
)
from tests.factories import make_channel, make_group, make_policy
from tests.pipeline.test_compose import compose
from tests.pipeline.test_incidents import add, see

pytestmark = [pytest.mark.django_db, pytest.mark.database]

UP, DEGRADED, DOWN = State.UP, State.DEGRADED, State.DOWN


@pytest.fixture
def group(location: object) -> EndpointGroup:
    group = make_group()
    add(group, "site")
    see(group, UP, minute=-1)
    return group


def flap(group: EndpointGroup, *, times: int, start: int = 0) -> None:
    for minute in range(start, start + 2 * times, 2):
        see(group, DOWN, minute=minute)
        see(group, UP, minute=minute + 1)


def list_incidents() -> list[tuple[bool, int, int]]:
    rows = Incident.objects.order_by("pk").values_list("resolved_at", "open_count", "flap_count")
    return [(resolved_at is None, members, flaps) for resolved_at, members, flaps in rows]


def test_third_failure_within_an_hour_holds_its_incident(group: EndpointGroup) -> None:
    flap(group, times=2)
    assert list_incidents() == [(False, 0, 0), (False, 0, 0)]
    flap(group, times=1, start=4)
    assert list_incidents() == [(False, 0, 0), (False, 0, 0), (True, 0, 0)]


def test_held_incident_takes_its_member_back_and_counts(group: EndpointGroup) -> None:
    flap(group, times=10)
    assert list_incidents()[2:] == [(True, 0, 7)]
    see(group, DOWN, minute=20)
    assert list_incidents()[2:] == [(True, 1, 8)]
    assert IncidentMember.objects.filter(incident=Incident.objects.last()).count() == 1


def test_flapping_is_said_once_with_a_threshold_that_keeps_it_quiet(group: EndpointGroup) -> None:
    flap(group, times=10)
    said = IncidentUpdate.objects.get(kind=IncidentUpdateKind.FLAPPING)
    assert said.incident == Incident.objects.open().get()
    assert said.text == (
        "It failed 3 times within an hour and is held open until it has been up for 15 minutes."
        " A failure threshold of 2 would have kept it quiet."
    )


def test_whoever_is_told_hears_of_flapping_and_no_more(group: EndpointGroup) -> None:
    make_policy(steps={0: [make_channel()]})
    flap(group, times=10)
    incident = Incident.objects.open().get()
    events = Notification.objects.filter(incident=incident).order_by("pk").values_list("event", flat=True)
    assert list(events) == [Event.OPENED, Event.UPDATED]


def test_third_failure_on_another_day_is_no_flapping(group: EndpointGroup) -> None:
    flap(group, times=2)
    flap(group, times=1, start=63)
    assert list_incidents() == [(False, 0, 0)] * 3


def test_severity_that_goes_up_and_down_is_told_no_more(group: EndpointGroup) -> None:
    make_policy(steps={0: [make_channel()]}, min_severity=Severity.DEGRADED)
    for minute in range(0, 20, 2):
        see(group, DEGRADED, minute=minute)
        Notification.objects.update(status=NotificationStatus.SENT)
        see(group, DOWN, minute=minute + 1)
    events = list(Notification.objects.order_by("pk").values_list("event", flat=True))
    assert events == [Event.OPENED, Event.GREW, Event.GREW]


def test_nobody_is_asked_to_act_while_nothing_is_down(group: EndpointGroup) -> None:
    channel = make_channel()
    make_policy(steps={0: [channel]}, reminder_minutes=5)
    flap(group, times=2)
    Notification.objects.all().delete()
    see(group, DOWN, minute=4)
    assert say(channel, minute=4) == [(Event.OPENED, "site in Web", ("site",))]
    see(group, UP, minute=5)
    assert say(channel, minute=5) == [(Event.UPDATED, "site in Web", ("site",))]
    assert say(channel, minute=9) == []
    see(group, DOWN, minute=10)
    assert say(channel, minute=10) == [(Event.REMINDER, "site in Web", ("site",))]


def say(channel: NotificationChannel, *, minute: int) -> list[tuple[Event, str, tuple[str, ...]]]:
    """Return what is said half a minute later: by then what was seen is recorded."""
    return [(item.event, item.title, item.names) for item in compose(channel, minutes=minute + 0.5) or ()]
