"""Incidents on status pages: what people made public, of what the page shows, and nothing that is for colleagues."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.incidents import Severity, Stage
from healthcheck.models import Incident, IncidentMember, IncidentUpdateKind
from healthcheck.web.answers import ANSWERS
from healthcheck.web.incidents import MAX_NAMES, MAX_OPEN, MAX_OVER, SHOWN_AFTER, load_incidents
from healthcheck.web.snapshot import load_board
from tests.factories import NOW, make_endpoint, make_group, make_incident, make_page, make_state, make_tick

pytestmark = [pytest.mark.django_db, pytest.mark.database]

HOUR = timedelta(hours=1)
CANARY = "canary-for-colleagues"
# The incidents; whom they concern; what was written.
LOAD_QUERIES = 3


def show(client: Client, path: str = "/") -> str:
    ANSWERS.forget()
    return client.get(path).content.decode()


def twin(client: Client, path: str = "/status.json") -> list[dict[str, Any]]:
    ANSWERS.forget()
    incidents: list[dict[str, Any]] = client.get(path).json()["incidents"]
    return incidents


def publish(*members: Any, title: str = "The shop is away", **columns: Any) -> Incident:
    at = (timezone.now() - HOUR).replace(microsecond=0)
    return make_incident(*members, at=at, title=title, is_public=True, **columns)


def seen(name: str, group: Any) -> Any:
    endpoint = make_endpoint(group, name)
    make_state(endpoint, now=timezone.now())
    return endpoint


@pytest.fixture
def shop() -> Any:
    make_page()
    make_tick(at=timezone.now())
    return seen("checkout", make_group())


def write(incident: Incident, text: str, **columns: Any) -> None:
    defaults: dict[str, Any] = {"kind": IncidentUpdateKind.UPDATE, "stage": Stage.IDENTIFIED, "is_public": True}
    incident.updates.create(at=incident.started_at + HOUR / 2, text=text, **(defaults | columns))


def test_open_incident_stands_over_the_verdict_with_its_updates(client: Client, shop: Any) -> None:
    incident = publish(shop, stage=Stage.IDENTIFIED)
    write(incident, "A **cable**. <script>alert(1)</script>")
    page = show(client)
    assert "Identified: <bdi>The shop is away</bdi>" in page
    assert "<strong>cable</strong>. &lt;script&gt;" in page
    assert "Concerns: <bdi>checkout</bdi>" in " ".join(page.split())
    assert page.index('id="hc-incidents"') < page.index('id="hc-verdict"')
    assert "hc-incident-history" not in page


def test_twin_says_the_same_with_texts_as_written(client: Client, shop: Any) -> None:
    incident = publish(shop, severity=Severity.DEGRADED, stage=Stage.MONITORING)
    write(incident, "A **cable**.", stage=Stage.MONITORING)
    [found] = twin(client)
    assert found.pop("started_at") == incident.started_at.isoformat().replace("+00:00", "Z")
    assert found["updates"][0].pop("at")
    assert found == {
        "id": incident.pk,
        "title": "The shop is away",
        "severity": "degraded",
        "stage": "monitoring",
        "is_open": True,
        "resolved_at": None,
        "concerns": ["checkout"],
        "affects": [],
        "updates": [{"stage": "monitoring", "text": "A **cable**."}],
        "post_mortem": "",
    }


def test_nothing_for_colleagues_is_on_the_page(client: Client, shop: Any) -> None:
    other = make_endpoint(make_group("internal", deleted_at=NOW), f"{CANARY}-endpoint")
    incident = publish(shop, other, cause_host=f"{CANARY}.test", acknowledged_by_name=CANARY, post_mortem=CANARY)
    write(incident, f"{CANARY} note", is_public=False)
    write(incident, "For all.", author_name=CANARY)
    for path in ("/", "/status.json"):
        page = show(client, path)
        assert "For all." in page
        assert CANARY not in page


def test_incident_that_people_did_not_publish_is_not_shown(client: Client, shop: Any) -> None:
    make_incident(shop, at=timezone.now(), title=CANARY)
    make_incident(at=timezone.now(), is_public=True, is_manual=True)
    assert twin(client) == []
    assert CANARY not in show(client)


def test_page_shows_what_concerns_it_or_nothing_in_particular(client: Client, shop: Any) -> None:
    hidden = seen("hidden", make_group("other"))
    page = make_page(shows_all_groups=False)
    page.groups.set([shop.group])
    publish(shop, hidden, title="both")
    publish(seen("more", shop.group), title="mine")
    publish(title="everything", is_manual=True)
    found = {each["title"]: each["concerns"] for each in twin(client)}
    assert found == {"both": ["checkout"], "mine": ["more"], "everything": []}


def test_incident_of_another_page_alone_is_not_shown(client: Client, shop: Any) -> None:
    page = make_page(shows_all_groups=False)
    page.groups.set([shop.group])
    publish(seen("hidden", make_group("other")), title=CANARY)
    assert twin(client) == []
    assert CANARY not in show(client)


def test_what_came_back_is_named_no_more_until_it_is_over(client: Client, shop: Any) -> None:
    other = seen("search", shop.group)
    incident = publish(shop, other)
    IncidentMember.objects.filter(endpoint_id=other.pk).update(left_at=timezone.now())
    assert twin(client)[0]["concerns"] == ["checkout"]
    IncidentMember.objects.update(left_at=timezone.now())
    Incident.objects.filter(pk=incident.pk).update(resolved_at=timezone.now(), open_count=0)
    assert twin(client)[0]["concerns"] == ["checkout", "search"]


def test_children_are_affected_by_it_while_they_wait(client: Client, shop: Any) -> None:
    child = seen("mail", shop.group)
    waiting = make_incident(child, at=timezone.now(), parent=publish(shop))
    assert twin(client)[0]["affects"] == ["mail"]
    assert "Affected by it: <bdi>mail</bdi>" in " ".join(show(client).split())
    Incident.objects.filter(pk=waiting.pk).update(resolved_at=timezone.now())
    assert twin(client)[0]["affects"] == []


def test_what_is_over_stays_for_two_weeks_with_what_was_learned(client: Client, shop: Any) -> None:
    over = {"resolved_at": timezone.now() - SHOWN_AFTER + HOUR, "stage": Stage.RESOLVED}
    publish(shop, title="near", post_mortem="It was a *cable*.", **over)
    publish(shop_of(shop), title="far", **(over | {"resolved_at": timezone.now() - SHOWN_AFTER - HOUR}))
    page = show(client)
    assert "Incidents of the last 14 days" in page
    assert "<bdi>near</bdi>" in page
    assert "It was a <em>cable</em>." in page
    assert "<bdi>far</bdi>" not in page
    assert page.index('id="hc-verdict"') < page.index('id="hc-incident-history"')


def shop_of(endpoint: Any) -> Any:
    """Another endpoint of the same group: nobody is in two open incidents at once."""
    return seen("another", endpoint.group)


def test_lists_are_bounded(client: Client, shop: Any) -> None:
    many = [seen(f"site {number}", shop.group) for number in range(MAX_NAMES + 2)]
    publish(*many)
    for number in range(MAX_OPEN + 1):
        publish(title=f"open {number}", is_manual=True)
    for number in range(MAX_OVER + 1):
        publish(title=f"over {number}", is_manual=True, resolved_at=timezone.now())
    shown = twin(client)
    assert [each["is_open"] for each in shown] == [True] * MAX_OPEN + [False] * MAX_OVER
    Incident.objects.filter(is_manual=True).delete()
    assert "and 2 more" in show(client)


@pytest.mark.parametrize("count", [1, 30])
def test_incidents_take_the_same_queries_at_any_size(
    count: int, shop: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        write(publish(seen(f"site {number}", shop.group)), "A cable.")
    now = timezone.now()
    board = load_board(make_page(), now=now)
    with django_assert_num_queries(LOAD_QUERIES):
        assert len(load_incidents(board, now)) == min(count, MAX_OPEN)


def test_page_without_incidents_asks_once(shop: Any, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    board = load_board(make_page(), now=timezone.now())
    with django_assert_num_queries(1):
        assert load_incidents(board, timezone.now()) == ()
