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

from healthcheck.models import Incident, IncidentUpdate, IncidentUpdateKind, NotificationChannel
from healthcheck.pipeline.links import LINK_LIFETIME, Link, sign_link
from tests.factories import NOW, make_channel, make_endpoint, make_incident

pytestmark = [pytest.mark.django_db, pytest.mark.database]

BUTTON = "Acknowledge</button>"
# The channel, and the incident.
PAGE_QUERIES = 2


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
