"""The link of a message that acknowledges: looking at it changes nothing, its button does, once and for seven days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from healthcheck.engine.incidents import Event, Severity
from healthcheck.models import (
    Delivery,
    Incident,
    IncidentUpdate,
    IncidentUpdateKind,
    Notification,
    NotificationChannel,
    NotificationStatus,
)
from healthcheck.notifiers.message import Item, Message, write_message
from healthcheck.pipeline.incident_items import Subject, write_incident_items
from healthcheck.pipeline.links import LINK_LIFETIME, Link, sign_link
from tests.factories import NOW, make_channel, make_endpoint, make_group, make_incident

pytestmark = [pytest.mark.django_db, pytest.mark.database]

BUTTON = "Acknowledge</button>"
# The channel, the incident, and what the channel was told of it.
PAGE_QUERIES = 3


@pytest.fixture
def channel() -> NotificationChannel:
    return make_channel("team")


@pytest.fixture
def incident() -> Incident:
    return make_incident(make_endpoint(), cause_host="<b>a</b>.test")


def url_of(incident: Incident, channel: NotificationChannel) -> str:
    return reverse("healthcheck:acknowledge", args=[sign_link(Link(incident.pk, channel.pk))])


def read(response: Any) -> str:
    return str(response.content.decode())


def test_page_asks_and_looking_at_it_changes_nothing(
    client: Client, incident: Incident, channel: NotificationChannel, django_assert_num_queries: Any
) -> None:
    url = url_of(incident, channel)
    with django_assert_num_queries(PAGE_QUERIES):
        response = client.get(url)
    page = read(response)
    assert BUTTON in page
    assert "down: status, on &lt;b&gt;a&lt;/b&gt;.test" in page
    assert client.head(url).status_code == 200
    assert client.options(url).status_code == 405
    assert Incident.objects.get().acknowledged_at is None
    assert (response.headers["Cache-Control"], response.headers["Referrer-Policy"]) == (
        "private, no-store",
        "no-referrer",
    )
    assert not response.cookies


def tell(incident: Incident, channel: NotificationChannel, event: Event = Event.OPENED) -> None:
    """Store a message about the incident as it is now."""
    items = write_incident_items([Subject(incident, event, "")], channel.pk)
    store_message(incident, channel, *items)


def store_message(incident: Incident, channel: NotificationChannel, *items: Item) -> None:
    message = write_message(Message("0", items, NOW))
    delivery = Delivery.objects.create(
        channel=channel, created_at=NOW, next_try_at=NOW, ended_at=NOW, status=2, message=message
    )
    Notification.objects.create(
        incident=incident,
        channel=channel,
        event=Event.OPENED,
        severity=Severity.DOWN,
        status=NotificationStatus.SENT,
        queued_at=NOW,
        due_at=NOW,
        delivery=delivery,
    )


def test_page_names_the_incident_as_the_message_did(client: Client, channel: NotificationChannel) -> None:
    shop = make_group(name="Shop")
    basket = make_endpoint(shop, "<Basket>")
    incident = make_incident(basket, checked_count=5, cause_host="127.0.0.1")
    tell(incident, channel)
    # What nobody was told of is not for whoever has the link.
    type(basket).objects.update(name="renamed")
    Incident.objects.update(title="Works of the night")
    page = read(client.get(url_of(incident, channel)))
    assert page.index("&lt;Basket&gt; in Shop") < page.index("1 of 5 down: status, on 127.0.0.1")
    assert "renamed" not in page
    assert "Works of the night" not in page


def test_page_names_it_by_the_newest_message_that_names_it(
    client: Client, channel: NotificationChannel, django_assert_num_queries: Any
) -> None:
    shop = make_group(name="Shop")
    incident = make_incident(make_endpoint(shop, "Basket"), make_endpoint(shop, "Cart"))
    tell(incident, channel)
    Incident.objects.update(resolved_at=NOW)
    incident.refresh_from_db()
    tell(incident, channel, Event.RESOLVED)
    store_message(incident, channel)
    other = make_channel("another")
    store_message(
        incident, other, Item(Event.OPENED, Severity.DOWN, f"healthcheck-incident-{incident.pk}", "To others")
    )
    with django_assert_num_queries(PAGE_QUERIES):
        page = read(client.get(url_of(incident, channel)))
    assert "2 of 2 in Shop" in page
    assert "To others" not in page


def test_button_acknowledges_once_and_says_by_which_channel(incident: Incident, channel: NotificationChannel) -> None:
    client, url = Client(enforce_csrf_checks=True), url_of(incident, channel)
    response = client.post(url)
    assert (response.status_code, response.headers["Location"]) == (303, url)
    incident.refresh_from_db()
    assert incident.acknowledged_by_name == "team, by its link"
    page = read(client.get(url))
    assert "It is acknowledged." in page
    assert BUTTON not in page
    client.post(url)
    assert list(IncidentUpdate.objects.values_list("kind", flat=True)) == [IncidentUpdateKind.ACKNOWLEDGED]


def test_link_to_what_is_over_says_so(client: Client, incident: Incident, channel: NotificationChannel) -> None:
    Incident.objects.update(resolved_at=NOW)
    url = url_of(incident, channel)
    assert client.post(url).status_code == 303
    page = read(client.get(url))
    assert "It is over." in page
    assert BUTTON not in page
    assert Incident.objects.get().acknowledged_at is None


def test_link_expires(client: Client, incident: Incident, channel: NotificationChannel) -> None:
    url = url_of(incident, channel)
    with time_machine.travel(timezone.now() + LINK_LIFETIME + timedelta(seconds=2), tick=False):
        assert client.get(url).status_code == 404
        assert client.post(url).status_code == 404
    assert Incident.objects.get().acknowledged_at is None


def test_link_ends_with_its_channel_and_its_incident(
    client: Client, incident: Incident, channel: NotificationChannel
) -> None:
    url = url_of(incident, channel)
    incident.delete()
    assert client.get(url).status_code == 404
    again = make_incident()
    url = url_of(again, channel)
    channel.delete()
    assert [client.get(url).status_code, client.post(url).status_code] == [404, 404]
    assert Incident.objects.get().acknowledged_at is None


@pytest.mark.parametrize("salt", ["healthcheck.incident", "healthcheck.other"])
def test_only_what_we_signed_is_a_link(
    client: Client, incident: Incident, channel: NotificationChannel, salt: str
) -> None:
    token = signing.dumps([incident.pk, channel.pk], salt=salt, key="of somebody else")
    for text in (token, "x", "9" * 5000):
        response = client.post(f"/acknowledge/{text}/")
        assert response.status_code == 404
        assert "This link is not valid any more." in read(response)
    assert Incident.objects.get().acknowledged_at is None
