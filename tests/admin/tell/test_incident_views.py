"""What people press and write on the page of an incident, and opening one by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from healthcheck.admin.look.words import describe_instant
from healthcheck.engine.incidents import Event, Severity, Stage
from healthcheck.models import Incident, IncidentUpdate, IncidentUpdateKind, Notification
from tests.admin.conftest import make_person
from tests.factories import NOW, make_channel, make_endpoint, make_group, make_incident, make_policy

pytestmark = pytest.mark.django_db

LIST = "/admin/healthcheck/incident/"
ADD = f"{LIST}add/"


def press(client: Client, incident: Incident, verb: str, **fields: Any) -> str:
    """Press a button, and return the page that it leads to."""
    response = client.post(f"{LIST}{incident.pk}/{verb}/", fields, follow=True)
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.fixture
def incident() -> Incident:
    return make_incident(make_endpoint())


def test_trail_names_an_incident_by_its_cause(operator: Client, incident: Incident) -> None:
    page = operator.get(f"{LIST}{incident.pk}/change/")
    assert str(page.context["original"]) == "down: status"
    assert f"incident {incident.pk}" not in page.content.decode().lower()


def test_acknowledging_says_who_and_takes_the_button_away(operator: Client, incident: Incident) -> None:
    assert ">Acknowledge</button>" in operator.get(f"{LIST}{incident.pk}/change/").content.decode()
    page = press(operator, incident, "acknowledge")
    assert "acknowledged by operator" in page
    assert ">Acknowledge</button>" not in page
    assert "somebody was faster, or it is over" in press(operator, incident, "acknowledge")


@pytest.mark.parametrize(("asked", "minutes"), [("20", 20), ("60", 60), ("480", 480), ("99999", 20), ("", 20)])
def test_snoozing_lasts_as_long_as_the_button_says(
    operator: Client, incident: Incident, asked: str, minutes: int
) -> None:
    before = timezone.now()
    assert "Nobody is asked until" in press(operator, incident, "snooze", minutes=asked)
    until = Incident.objects.get().snoozed_until
    assert until is not None
    assert f"until {describe_instant(until)}" in operator.get(f"{LIST}{incident.pk}/change/").content.decode()
    assert timedelta(0) <= until - before - timedelta(minutes=minutes) < timedelta(minutes=1)


def test_assigning_offers_people_of_the_staff(operator: Client, incident: Incident) -> None:
    kim, stranger = User.objects.create_user("kim", is_staff=True), User.objects.create_user("stranger")
    page = press(operator, incident, "assign", **{"assign-assignee": kim.pk})
    assert "It is assigned to kim." in page
    assert "stranger" not in page
    assert "Select a valid choice" in press(operator, incident, "assign", **{"assign-assignee": stranger.pk})
    assert Incident.objects.get().assignee == kim
    assert "Nobody has it now." in press(operator, incident, "assign", **{"assign-assignee": ""})


def test_note_is_for_colleagues_and_an_update_moves_the_stage(operator: Client, incident: Incident) -> None:
    press(operator, incident, "write", **{"write-text": "the switch?", "write-stage": ""})
    update = {"write-text": "A cable.", "write-stage": Stage.IDENTIFIED.value, "write-is_public": "on"}
    page = press(operator, incident, "write", **update)
    assert "update: identified" in page
    assert "the switch?" in page
    rows = list(IncidentUpdate.objects.order_by("pk").values_list("kind", "stage", "is_public", "author_name"))
    assert rows == [
        (IncidentUpdateKind.NOTE, 0, False, "operator"),
        (IncidentUpdateKind.UPDATE, Stage.IDENTIFIED, True, "operator"),
    ]


def test_refused_text_comes_back_with_the_reason(operator: Client, incident: Incident) -> None:
    page = press(operator, incident, "write", **{"write-text": "x" * 5001, "write-stage": "3"})
    assert "and has 5001; shorten it." in page
    assert "x" * 5001 in page
    assert IncidentUpdate.objects.count() == 0


def test_update_that_resolves_is_refused_while_something_is_down(operator: Client, incident: Incident) -> None:
    page = press(operator, incident, "write", **{"write-text": "done", "write-stage": Stage.RESOLVED.value})
    assert "would open again at once" in page
    assert "would open again at once" in press(operator, incident, "resolve")
    assert Incident.objects.open().exists()


def test_incident_is_shown_to_everybody_under_a_title_of_its_own(operator: Client, incident: Incident) -> None:
    page = press(operator, incident, "publish", **{"publish-is_public": "on", "publish-title": ""})
    assert "Give it a title that others understand." in page
    press(operator, incident, "publish", **{"publish-is_public": "on", "publish-title": "The shop is away"})
    assert Incident.objects.values_list("title", "is_public").get() == ("The shop is away", True)


def test_incident_is_opened_about_endpoints_and_groups_and_told(operator: Client) -> None:
    make_policy(steps={0: [make_channel()]})
    group = make_group()
    members = [make_endpoint(group, f"site {number}") for number in range(2)]
    other = make_endpoint(make_group("other"), "other")
    words = {"title": "The uplink", "severity": Severity.DEGRADED.value, "text": "We look.", "is_public": "on"}
    response = operator.post(ADD, {**words, "groups": [group.pk], "endpoints": [other.pk, members[0].pk]})
    incident = Incident.objects.get()
    assert response["Location"] == f"{LIST}{incident.pk}/change/"
    concerned = set(incident.members.values_list("endpoint_id", flat=True))
    assert concerned == {other.pk, *(each.pk for each in members)}
    assert (incident.title, incident.severity, incident.is_public) == ("The uplink", Severity.DEGRADED, True)
    assert list(IncidentUpdate.objects.values_list("text", "is_public")) == [("We look.", True)]


def test_opened_incident_is_told_and_resolved_by_its_button(operator: Client) -> None:
    make_policy(steps={0: [make_channel()]})
    operator.post(ADD, {"title": "The uplink", "severity": Severity.DOWN.value})
    incident = Incident.objects.get()
    assert list(Notification.objects.values_list("event", flat=True)) == [Event.OPENED]
    assert ">Resolve</button>" in operator.get(f"{LIST}{incident.pk}/change/").content.decode()
    assert "It is resolved." in press(operator, incident, "resolve")
    press(operator, incident, "post-mortem", **{"post_mortem-text": "It was a cable."})
    incident.refresh_from_db()
    assert (incident.stage, incident.post_mortem) == (Stage.RESOLVED, "It was a cable.")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"title": " "}, "Give it a title that others understand."),
        ({"title": "x" * 201}, "The title may have 200 characters, and has 201; shorten it."),
        ({"severity": "9"}, "Select a valid choice."),
        ({"endpoints": ["1000000"]}, "is not one of the available choices"),
    ],
)
def test_incident_that_makes_no_sense_is_not_opened(operator: Client, changed: dict[str, Any], sentence: str) -> None:
    response = operator.post(ADD, {"title": "The uplink", "severity": "3"} | changed)
    assert sentence in response.content.decode()
    assert Incident.objects.count() == 0


def test_viewers_see_no_button_and_operators_of_checks_press_none(db: None, incident: Incident) -> None:
    viewer = make_person("view_incident", "operate_endpointgroup")
    page = viewer.get(f"{LIST}{incident.pk}/change/").content.decode()
    for hidden in (">Acknowledge</button>", "Write it", 'name="assign-assignee"'):
        assert hidden not in page
    assert viewer.post(f"{LIST}{incident.pk}/acknowledge/").status_code == 403
    assert viewer.get(ADD).status_code == 403
    assert Incident.objects.filter(acknowledged_at=None, started_at=NOW).count() == 1
