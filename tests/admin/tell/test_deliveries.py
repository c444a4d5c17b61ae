"""Deliveries: the list and the page say what was sent and answered, without the links that act; one is sent again."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.incidents import Event
from healthcheck.models import ChannelState, Delivery, DeliveryStatus
from tests.admin.conftest import make_person
from tests.admin.tell.conftest import make_delivery, make_pigeon
from tests.factories import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pigeons")]

LIST = "/admin/healthcheck/delivery/"
# The visitor's session and account; the channels of the filter; the number of messages, twice; the messages.
LIST_QUERIES = 6


def url_of(delivery: Delivery, page: str = "change") -> str:
    return f"{LIST}{delivery.pk}/{page}/"


def test_page_says_what_was_sent_and_what_became_of_it(operator: Client) -> None:
    failed: dict[str, Any] = {"status": DeliveryStatus.FAILED, "answer": "It answered <b>404</b>."}
    page = operator.get(url_of(make_delivery(make_pigeon(), **failed))).content.decode()
    for words in ("Delivery to pigeon", "It answered &lt;b&gt;404&lt;/b&gt;.", "shop is down", "3 of 3 down: dns"):
        assert words in page
    assert "canary" not in page


def test_page_says_the_headline_and_the_note(operator: Client) -> None:
    delivery = make_delivery(make_pigeon())
    [item] = delivery.message["items"]
    delivery.message["items"] = [item | {"event": Event.UPDATED, "note": "It is <i>held</i> open."}]
    delivery.save()
    page = operator.get(url_of(delivery)).content.decode()
    for words in ("Update: shop is down", "It is &lt;i&gt;held&lt;/i&gt; open."):
        assert words in page


def test_trail_of_a_delivery_names_what_it_is_about(operator: Client) -> None:
    delivery = make_delivery(make_pigeon())
    page = operator.get(url_of(delivery)).content.decode()
    assert page.count(str(delivery.pk)) == page.count(f"{delivery.pk}/") + 1
    assert f"delivery {delivery.pk}" not in page.lower()


def test_message_is_sent_again_under_an_id_of_its_own(operator: Client) -> None:
    sent = make_delivery(make_pigeon())
    assert operator.get(url_of(sent, "send-again")).status_code == 405
    assert operator.post(url_of(sent, "send-again")).status_code == 302
    sent.refresh_from_db()
    again = Delivery.objects.get(status=DeliveryStatus.WAITING)
    assert again.message == sent.message | {"id": str(again.pk)}
    assert (again.channel_id, again.attempts) == (sent.channel_id, 0)


def test_message_waits_for_the_one_before_it(operator: Client) -> None:
    sent = make_delivery(channel := make_pigeon())
    waiting = make_delivery(channel, status=DeliveryStatus.WAITING)
    page = operator.post(url_of(sent, "send-again"), follow=True).content.decode()
    assert "send this one again once that has arrived" in page
    assert "It is on its way." in operator.post(url_of(waiting, "send-again"), follow=True).content.decode()
    assert Delivery.objects.count() == 2


def test_nothing_is_sent_again_to_a_refused_channel(operator: Client) -> None:
    sent = make_delivery(channel := make_pigeon())
    ChannelState.objects.create(channel=channel, disabled_at=NOW)
    assert "enable it again first" in operator.post(url_of(sent, "send-again"), follow=True).content.decode()
    assert Delivery.objects.count() == 1


def test_people_who_see_channels_look_and_do_not_send(db: None) -> None:
    person, sent = make_person("view_notificationchannel"), make_delivery(make_pigeon())
    assert "Send again" not in person.get(url_of(sent)).content.decode()
    assert person.post(url_of(sent, "send-again")).status_code == 403
    stranger = make_person("view_incident", name="stranger")
    assert [stranger.get(url).status_code for url in (LIST, url_of(sent))] == [403, 403]


@pytest.mark.parametrize("count", [1, 30])
def test_list_takes_the_same_queries_at_any_size(
    count: int, operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    channel = make_pigeon()
    for _ in range(count):
        make_delivery(channel)
    with django_assert_num_queries(LIST_QUERIES):
        page = operator.get(f"{LIST}?channel={channel.pk}&status=delivered").content.decode()
    assert page.count("shop is down") == count
    assert "shop is down" not in operator.get(f"{LIST}?status=failed").content.decode()
