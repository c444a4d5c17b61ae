"""What people do about incidents: who was first, what the timeline says, and who hears of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.incidents import Event, Happening, Severity, Stage
from healthcheck.models import (
    Incident,
    IncidentMember,
    IncidentUpdate,
    IncidentUpdateKind,
    Notification,
    NotificationChannel,
    NotificationPolicy,
    NotificationStatus,
)
from healthcheck.pipeline.correct import Author
from healthcheck.pipeline.incident_verbs import (
    MAX_TEXT_LENGTH,
    Acted,
    Draft,
    Said,
    acknowledge,
    assign,
    open_manual,
    resolve_by_hand,
    show_publicly,
    snooze,
    write,
    write_post_mortem,
)
from healthcheck.pipeline.notify import queue_notifications
from tests.factories import NOW, make_channel, make_endpoint, make_incident, make_policy

pytestmark = [pytest.mark.django_db, pytest.mark.database]

ALEX = Author("alex")
LATER = NOW + timedelta(minutes=20)
MINUTE = timedelta(minutes=1)
# The transaction's two; the row and its entry; its severity and its members; and eight to find out whom to tell.
ACKNOWLEDGE_QUERIES = 14


@pytest.fixture
def team() -> NotificationChannel:
    """Told at once of everything; the boss a quarter of an hour later."""
    channel = make_channel("team")
    make_policy(steps={0: [channel], 15: [make_channel("boss")]})
    return channel


@pytest.fixture
def incident(team: NotificationChannel) -> Incident:
    """An incident that the team has been told of."""
    endpoint = make_endpoint()
    incident = make_incident(endpoint)
    queue_notifications([Happening(Event.OPENED, incident.pk, Severity.DOWN, (endpoint.pk,))], NOW)
    Notification.objects.filter(due_at__lte=NOW).update(status=NotificationStatus.SENT)
    return incident


def read_queue() -> list[tuple[str, Event, float]]:
    rows = Notification.objects.filter(status=NotificationStatus.QUEUED).order_by("due_at", "channel__name")
    return [(row.channel.name, Event(row.event), (row.due_at - NOW) / MINUTE) for row in rows.select_related("channel")]


def read_timeline() -> list[tuple[IncidentUpdateKind, str, str]]:
    rows = IncidentUpdate.objects.order_by("pk")
    return [(IncidentUpdateKind(row.kind), row.text, row.author_name) for row in rows]


def test_acknowledging_tells_those_who_know_and_asks_nobody_else(incident: Incident, team: NotificationChannel) -> None:
    assert acknowledge(incident.pk, author=ALEX, now=NOW) == Acted(True, frozenset({team.pk}))
    assert read_queue() == [("team", Event.ACKNOWLEDGED, 0)]
    incident.refresh_from_db()
    assert (incident.acknowledged_at, incident.acknowledged_by_name) == (NOW, "alex")
    assert read_timeline() == [(IncidentUpdateKind.ACKNOWLEDGED, "", "alex")]


def test_only_the_first_acknowledges(incident: Incident) -> None:
    acknowledge(incident.pk, author=ALEX, now=NOW)
    assert acknowledge(incident.pk, author=Author("kim"), now=LATER) == Acted(False)
    incident.refresh_from_db()
    assert incident.acknowledged_by_name == "alex"
    assert len(read_timeline()) == 1


def test_snoozing_puts_off_what_would_ask(incident: Incident) -> None:
    assert snooze(incident.pk, until=LATER, author=ALEX, now=NOW) == Acted(True)
    assert read_queue() == [("boss", Event.ESCALATED, 20), ("team", Event.REMINDER, 20)]
    assert not Incident.objects.waiting(NOW).exists()
    assert Incident.objects.waiting(LATER).exists()


def test_snoozing_for_a_moment_brings_nothing_forward(incident: Incident) -> None:
    snooze(incident.pk, until=NOW + MINUTE, author=ALEX, now=NOW)
    assert read_queue() == [("team", Event.REMINDER, 1), ("boss", Event.ESCALATED, 15)]


def test_snooze_that_is_cut_short_ends_when_it_says(incident: Incident) -> None:
    snooze(incident.pk, until=NOW + 480 * MINUTE, author=ALEX, now=NOW)
    snooze(incident.pk, until=LATER, author=ALEX, now=NOW)
    assert read_queue() == [("boss", Event.ESCALATED, 20), ("team", Event.REMINDER, 20)]


def test_end_of_a_snooze_waits_for_the_hours_of_the_policy(incident: Incident) -> None:
    # NOW is noon.
    NotificationPolicy.objects.update(hours="08:00-12:10", timezone="UTC")
    snooze(incident.pk, until=LATER, author=ALEX, now=NOW)
    tomorrow = 20 * 60.0
    assert read_queue() == [("boss", Event.ESCALATED, tomorrow), ("team", Event.REMINDER, tomorrow)]


def test_snoozing_what_somebody_cares_for_asks_nobody_again(incident: Incident, team: NotificationChannel) -> None:
    acknowledge(incident.pk, author=ALEX, now=NOW)
    snooze(incident.pk, until=LATER, author=ALEX, now=NOW)
    assert read_queue() == [("team", Event.ACKNOWLEDGED, 0)]


def test_assigning_is_told_by_the_timeline_once(incident: Incident) -> None:
    kim = Author("kim", User.objects.create_user("kim").pk)
    assert assign(incident.pk, kim, author=ALEX, now=NOW).is_done
    assert not assign(incident.pk, kim, author=ALEX, now=NOW).is_done
    assert Incident.objects.get().assignee_id == kim.id
    assert assign(incident.pk, None, author=ALEX, now=NOW).is_done
    assert not assign(incident.pk, None, author=ALEX, now=NOW).is_done
    assert read_timeline() == [(IncidentUpdateKind.ASSIGNED, "kim", "alex"), (IncidentUpdateKind.ASSIGNED, "", "alex")]


def test_note_tells_nobody_and_is_for_colleagues(incident: Incident) -> None:
    said = Said("looks like\r\nthe switch", is_public=True)
    assert write(incident.pk, said, author=ALEX, now=NOW) == Acted(True)
    assert read_timeline() == [(IncidentUpdateKind.NOTE, "looks like\nthe switch", "alex")]
    assert not IncidentUpdate.objects.get().is_public
    assert read_queue() == [("boss", Event.ESCALATED, 15)]


def test_update_moves_the_stage_and_is_told_in_one_line(incident: Incident, team: NotificationChannel) -> None:
    said = Said("**Found it.**\n\nA cable.", Stage.IDENTIFIED, is_public=True)
    assert write(incident.pk, said, author=ALEX, now=NOW) == Acted(True, frozenset({team.pk}))
    assert Incident.objects.get().stage == Stage.IDENTIFIED
    stored = IncidentUpdate.objects.get()
    assert (stored.stage, stored.is_public, stored.text) == (Stage.IDENTIFIED, True, "**Found it.**\n\nA cable.")
    assert Notification.objects.get(event=Event.UPDATED).text == "**Found it.** A cable."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("  \n ", "an empty message helps nobody"), ("x" * (MAX_TEXT_LENGTH + 1), "and has 5001; shorten it.")],
)
def test_what_says_nothing_or_too_much_is_refused(incident: Incident, text: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        write(incident.pk, Said(text, Stage.MONITORING), author=ALEX, now=NOW)
    assert sentence in refusal.value.message_dict["text"][0]
    assert (Incident.objects.get().stage, read_timeline()) == (Stage.INVESTIGATING, [])


def test_marks_that_turn_text_around_are_not_stored(incident: Incident) -> None:
    write(incident.pk, Said("safe\u202eevil\x00"), author=ALEX, now=NOW)
    assert read_timeline()[0][1] == "safe\ufffdevil\ufffd"


def test_incident_whose_endpoints_are_down_is_not_resolved_by_hand(incident: Incident) -> None:
    with pytest.raises(ValidationError, match="would open again at once"):
        write(incident.pk, Said("done", Stage.RESOLVED), author=ALEX, now=NOW)
    assert Incident.objects.open().count() == 1
    assert read_timeline() == []


def test_resolving_by_hand_ends_it_and_tells_whoever_was_told(team: NotificationChannel) -> None:
    opened, channels = open_manual(Draft("The uplink", Severity.DOWN, [make_endpoint().pk]), author=ALEX, now=NOW)
    assert channels == {team.pk}
    Notification.objects.filter(due_at__lte=NOW).update(status=NotificationStatus.SENT)
    said = Said("A new cable.", Stage.RESOLVED, is_public=True)
    assert write(opened.pk, said, author=ALEX, now=NOW + MINUTE) == Acted(True, frozenset({team.pk}))
    opened.refresh_from_db()
    assert (opened.resolved_at, opened.stage, opened.open_count) == (NOW + MINUTE, Stage.RESOLVED, 0)
    assert IncidentMember.objects.get().left_at == NOW + MINUTE
    assert read_queue() == [("team", Event.RESOLVED, 1)]
    assert resolve_by_hand(opened.pk, author=ALEX, now=LATER) == Acted(False)


def test_manual_incident_has_its_members_everywhere(team: NotificationChannel) -> None:
    first = make_endpoint()
    gone = make_endpoint(first.group, "gone", deleted_at=NOW)
    draft = Draft(" The  uplink ", Severity.DEGRADED, [first.pk, first.pk, gone.pk], "We look.", is_public=True)
    opened, _channels = open_manual(draft, author=ALEX, now=NOW)
    assert (opened.title, opened.is_manual, opened.open_count, opened.is_public) == ("The uplink", True, 1, True)
    assert list(IncidentMember.objects.values_list("endpoint_id", "location_id")) == [(first.pk, None)]
    assert read_timeline() == [(IncidentUpdateKind.OPENED, "We look.", "alex")]


@pytest.mark.parametrize("title", ["", " \u202e\u200b ", "x" * 201])
def test_manual_incident_needs_a_title_that_can_be_read(title: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        open_manual(Draft(title, Severity.DOWN), author=ALEX, now=NOW)
    assert list(refusal.value.message_dict) == ["title"]
    assert Incident.objects.count() == 0


def test_showing_on_status_pages_needs_a_title(incident: Incident) -> None:
    with pytest.raises(ValidationError):
        show_publicly(incident.pk, is_public=True, title=" ", author=ALEX, now=NOW)
    assert show_publicly(incident.pk, is_public=True, title="Trouble", author=ALEX, now=NOW).is_done
    assert not show_publicly(incident.pk, is_public=True, title="Trouble", author=ALEX, now=NOW).is_done
    assert show_publicly(incident.pk, is_public=False, title="", author=ALEX, now=NOW).is_done
    assert Incident.objects.values_list("title", "is_public").get() == ("Trouble", False)
    assert [text for _kind, text, _name in read_timeline()] == [
        "shown on status pages as “Trouble”",
        "not on status pages",
    ]


def test_post_mortem_is_of_what_is_over(incident: Incident) -> None:
    assert not write_post_mortem(incident.pk, "A cable.", author=ALEX, now=NOW).is_done
    Incident.objects.update(resolved_at=NOW)
    assert write_post_mortem(incident.pk, "A cable.", author=ALEX, now=LATER).is_done
    assert Incident.objects.get().post_mortem == "A cable."


def test_verbs_of_an_incident_that_is_over_or_gone_change_nothing(incident: Incident) -> None:
    Incident.objects.update(resolved_at=NOW)
    for pk in (incident.pk, incident.pk + 1):
        assert not acknowledge(pk, author=ALEX, now=NOW).is_done
        assert not snooze(pk, until=LATER, author=ALEX, now=NOW).is_done
        assert not write(pk, Said("x", Stage.MONITORING), author=ALEX, now=NOW).is_done
        assert not resolve_by_hand(pk, author=ALEX, now=NOW).is_done
    assert read_timeline() == []


@pytest.mark.parametrize("count", [1, 30])
def test_acknowledging_takes_the_same_queries_at_any_size(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_policy(steps={0: [make_channel()]})
    first = make_endpoint()
    incident = make_incident(first, *(make_endpoint(first.group, f"site {number}") for number in range(count - 1)))
    with django_assert_num_queries(ACKNOWLEDGE_QUERIES):
        acknowledge(incident.pk, author=ALEX, now=NOW)
