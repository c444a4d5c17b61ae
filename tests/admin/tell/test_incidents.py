"""Incidents: the list with what is open first, and the page of one with its members and its timeline."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.admin.look.words import describe_moment
from healthcheck.admin.tell.incident_page import MAX_MEMBERS_SHOWN
from healthcheck.admin.tell.timeline import MAX_NAMES
from healthcheck.engine.flapping import CALM
from healthcheck.engine.incidents import Event, Severity, Stage
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import (
    DeliveryStatus,
    Incident,
    IncidentMember,
    IncidentUpdateKind,
    Notification,
    NotificationStatus,
)
from tests.admin.conftest import CLOCK_QUERIES, make_person
from tests.admin.tell.conftest import make_delivery
from tests.factories import NOW, make_channel, make_endpoint, make_group, make_incident, make_transition

pytestmark = pytest.mark.django_db

LIST = "/admin/healthcheck/incident/"
# The visitor's session and account; the number of incidents, twice; the incidents, and their groups.
LIST_QUERIES = 6 + CLOCK_QUERIES
# The visitor's session and account; the incident; its members, their names, what waits for it, its group; what people
# did, who was told, how members changed, and to whom it may be assigned; templates.
PAGE_QUERIES = 12 + CLOCK_QUERIES
MINUTE = timedelta(minutes=1)


def url_of(incident: Incident, page: str = "change") -> str:
    return f"{LIST}{incident.pk}/{page}/"


def paint_incident(count: int = 1) -> Incident:
    """Store an incident of so many endpoints with an entry of every sort."""
    group, channel = make_group(), make_channel("chat")
    incident = make_incident(*(make_endpoint(group, f"site {number}") for number in range(count)), cause_host="a.test")
    for number in range(count):
        gone = make_endpoint(group, f"mended {number}")
        IncidentMember.objects.create(
            incident=incident, endpoint_id=gone.pk, joined_at=NOW, left_at=NOW + (number + 2) * MINUTE
        )
        incident.updates.create(
            at=NOW + (number + 1) * MINUTE,
            kind=IncidentUpdateKind.UPDATE,
            stage=Stage.IDENTIFIED,
            text=f"<b>cable</b> {number}",
            author_name="alex",
            is_public=True,
        )
        told = {"incident": incident, "channel": channel, "severity": Severity.DOWN, "queued_at": NOW, "due_at": NOW}
        delivery = make_delivery(channel, status=DeliveryStatus.FAILED, answer="It answered 404.")
        Notification.objects.create(event=Event.OPENED, status=NotificationStatus.SENT, delivery=delivery, **told)
        make_incident(parent=incident, title=f"child {number}")
    return incident


def test_list_shows_open_ones_first_with_their_cause(operator: Client) -> None:
    group = make_group(name="Web shop")
    old = make_incident(at=NOW, title="Works at the switch", is_manual=True, resolved_at=NOW + MINUTE)
    make_incident(make_endpoint(group), make_endpoint(group, "other"), checked_count=20, cause_host="a.test")
    page = operator.get(LIST).content.decode()
    assert page.index("2 of 20 down: status, all on a.test") < page.index(old.title)
    assert "Web shop" in page
    assert "resolved after 1 min" in page


def test_list_is_narrowed_to_what_waits_for_somebody(operator: Client) -> None:
    now = timezone.now()
    make_incident(title="waits")
    make_incident(title="slept over", snoozed_until=now - MINUTE)
    make_incident(title="sleeps", snoozed_until=now + MINUTE)
    make_incident(title="is seen to", acknowledged_at=now, acknowledged_by_name="alex")
    make_incident(title="is over", resolved_at=now)

    def shown(query: str) -> set[str]:
        response = operator.get(f"{LIST}?{query}")
        return {each.title for each in response.context["cl"].result_list}

    assert shown("standing=waiting") == {"waits", "slept over"}
    assert shown("standing=resolved") == {"is over"}
    assert len(shown("standing=open")) == 4
    assert shown("severity=notice") == set()
    assert shown("q=slept") == {"slept over"}


def test_page_merges_what_happened_newest_first(operator: Client) -> None:
    page = operator.get(url_of(paint_incident())).content.decode()
    told = page.index("chat could not be told that it opened")
    entries = ["1 endpoint left", "update: identified", "1 endpoint joined: status"]
    places = [page.index(entry) for entry in entries]
    assert places == sorted(places)
    assert places[0] < told
    for words in ("It answered 404.", "&lt;b&gt;cable&lt;/b&gt; 0", "alex", "site 0", "mended 0", "child 0"):
        assert words in page
    assert "<b>cable" not in page


def test_page_of_a_muted_incident_says_why_nobody_is_told(operator: Client) -> None:
    child = make_incident(parent=make_incident(title="The uplink"), title="The shop")
    page = operator.get(url_of(child)).content.decode()
    assert "The uplink</a>. Nobody is told of this one while that lasts." in page
    assert operator.get(LIST).content.decode().count("affected by another") == 1


def test_members_that_are_gone_still_have_their_place(operator: Client) -> None:
    endpoint = make_endpoint()
    incident = make_incident(endpoint)
    endpoint_id = endpoint.pk
    endpoint.delete()
    page = operator.get(url_of(incident)).content.decode()
    assert f"endpoint {endpoint_id}" in page
    assert f"/admin/healthcheck/endpoint/{endpoint_id}/change/" not in page


def test_who_may_not_see_incidents_sees_none(db: None) -> None:
    incident = make_incident(title="The shop")
    stranger = make_person("view_endpoint", "operate_incident")
    assert [stranger.get(url).status_code for url in (LIST, url_of(incident))] == [403, 403]
    assert make_person("view_incident", name="viewer").get(url_of(incident)).status_code == 200


@pytest.mark.parametrize("count", [1, 30])
def test_list_takes_the_same_queries_at_any_size(
    count: int, operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        make_incident(make_endpoint(make_group(f"group-{number}")))
    with django_assert_num_queries(LIST_QUERIES):
        operator.get(LIST)


@pytest.mark.parametrize("count", [1, 30])
def test_page_takes_the_same_queries_at_any_size(
    count: int, operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    incident = paint_incident(count)
    with django_assert_num_queries(PAGE_QUERIES):
        operator.get(url_of(incident))


def test_timeline_says_that_a_member_became_worse_or_better_and_stayed(operator: Client) -> None:
    group = make_group()
    site, late = make_endpoint(group, "site"), make_endpoint(group, "late")
    incident = make_incident(site, late)
    incident.members.filter(endpoint_id=late.pk).update(joined_at=NOW + 3 * MINUTE)
    steps = [
        (site, 0, State.UP, State.DOWN),
        (site, 1, State.DOWN, State.DEGRADED),
        (site, 2, State.DEGRADED, State.UNKNOWN),
        # How it joined is told by that.
        (late, 3, State.UNKNOWN, State.DOWN),
        (site, 4, State.UNKNOWN, State.DOWN),
    ]
    for endpoint, minutes, before, after in steps:
        make_transition(endpoint, at=NOW + minutes * MINUTE, from_state=before, to_state=after)
    page = operator.get(url_of(incident)).content.decode()
    found = re.findall(r"1 endpoint (?:became \w+|joined)", page)
    assert found == ["1 endpoint became down", "1 endpoint joined", "1 endpoint became degraded", "1 endpoint joined"]


def test_those_who_join_and_leave_together_are_one_entry_with_the_first_names(operator: Client) -> None:
    group = make_group()
    count = MAX_NAMES + 2
    # As results of one run arrive: one after the other, with others of another kind between them.
    incident = make_incident(*(make_endpoint(group, f"node {number}") for number in range(count, 0, -1)))
    for place, member in enumerate(incident.members.order_by("pk")):
        at = NOW + place * timedelta(milliseconds=200)
        kind = ErrorKind.TIMEOUT if place == 3 else ErrorKind.STATUS
        incident.members.filter(pk=member.pk).update(joined_at=at, left_at=at + MINUTE, error_kind=kind)
    page = operator.get(url_of(incident)).content.decode()
    entries = re.findall(r"\d+ endpoints? (?:joined|left)(?:: \w+)?", page)
    assert entries == [f"{count} endpoints left", "1 endpoint joined: timeout", f"{count - 1} endpoints joined: status"]
    assert "node 1, node 2, node 3, node 4, node 5, node 6, node 7, node 8, node 9, node 10 and 2 more" in page


def test_those_who_join_one_after_the_other_are_entries_of_their_own(operator: Client) -> None:
    group = make_group()
    incident = make_incident(make_endpoint(group, "first"), make_endpoint(group, "second"))
    incident.members.filter(pk=incident.members.latest("pk").pk).update(joined_at=NOW + timedelta(seconds=20))
    page = operator.get(url_of(incident)).content.decode()
    assert page.count("1 endpoint joined: status") == 2


def test_endpoints_concerned_begin_by_name(operator: Client) -> None:
    group = make_group()
    names = [f"Node {number}" for number in range(1, MAX_MEMBERS_SHOWN + 2)]
    incident = make_incident(*(make_endpoint(group, name) for name in names))
    page = operator.get(url_of(incident)).content.decode()
    members = page[page.index('id="hc-members"') : page.index('id="hc-timeline"')]
    assert re.findall(r">(Node \d+)</a>", members) == names[:MAX_MEMBERS_SHOWN]
    assert "and 1 more" in members


def test_who_was_told_of_what_is_written_as_people_say_it(operator: Client) -> None:
    incident, channel = make_incident(title="The shop"), make_channel("Hook")
    sent = make_delivery(channel)
    told = {"incident": incident, "channel": channel, "severity": Severity.DOWN, "queued_at": NOW, "due_at": NOW}
    for event in (each for each in Event if each < Event.TEST):
        Notification.objects.create(event=event, status=NotificationStatus.SENT, delivery=sent, **told)
    Notification.objects.create(event=Event.REMINDER, **told)
    page = operator.get(url_of(incident)).content.decode()
    assert set(re.findall(r"Hook was told ([\w ]+)<", page)) == {
        "that it opened",
        "that it grew",
        "that nobody has acknowledged it",
        "that it lasts",
        "what is new",
        "that it is acknowledged",
        "that it is over",
    }
    assert "due: Hook is told that it lasts<" in page


def test_incident_that_is_held_open_is_not_down(operator: Client) -> None:
    incident = make_incident(make_endpoint(), open_count=0)
    incident.members.update(left_at=NOW)
    page = operator.get(url_of(incident)).content.decode()
    facts = page[page.index('class="hc-facts"') : page.index("</dl>")]
    assert "</span> held open</span>" in facts
    assert f"<dt>Held open</dt><dd>until {describe_moment(NOW + CALM)}, unless something fails again" in facts
    row = operator.get(LIST).content.decode()
    for shown in (facts, row):
        assert "hc-down" not in shown
        assert "flapping" in shown


def test_incident_that_fails_again_is_held_open_no_more(operator: Client) -> None:
    page = operator.get(url_of(make_incident(make_endpoint()))).content.decode()
    assert "hc-down" in page
    assert "held open" not in page.lower()


def test_what_happened_is_read_before_anything_is_written(operator: Client) -> None:
    page = operator.get(url_of(paint_incident())).content.decode()
    places = [page.index(f'id="{name}"') for name in ("hc-members", "hc-timeline", "hc-write", "hc-publish")]
    assert places == sorted(places)
    assert page.index(">Acknowledge</button>") < places[0]


def test_incident_without_endpoints_counts_none(operator: Client) -> None:
    make_incident(title="by hand", is_manual=True)
    page = operator.get(LIST).content.decode()
    assert "by hand" in page
    assert "0 now" not in page
