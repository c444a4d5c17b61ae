"""Two requests that really overlap: the second waits for the first, and is told what the first one did."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.signals import pre_save
from django.test import Client

from healthcheck.models import Endpoint, EndpointGroup, Version
from tests.admin.conftest import endpoint_fields, group_fields
from tests.factories import make_endpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

ROOT = "/admin/healthcheck/"
# Long enough for a request that nothing holds back; one that waits for the lock costs the test this much.
HEAD_START_SECONDS = 2.0


def post_at_once(
    url: str, sender: Any, first: dict[str, Any], second: dict[str, Any], *, second_url: str = ""
) -> tuple[Any, Any]:
    """Post `second` after `first` was validated and before it is written; return both responses."""
    answers: list[Any] = []
    clients = [Client(), Client()]
    for number, client in enumerate(clients):
        client.force_login(User.objects.create_superuser(f"person-{number}"))

    def post_second() -> None:
        answers.append(clients[1].post(second_url or url, second))
        connection.close()

    other = threading.Thread(target=post_second)

    def overtake(**_: Any) -> None:
        pre_save.disconnect(overtake, sender=sender)
        other.start()
        other.join(HEAD_START_SECONDS)

    pre_save.connect(overtake, sender=sender)
    try:
        response = clients[0].post(url, first)
    finally:
        pre_save.disconnect(overtake, sender=sender)
    other.join()
    return response, answers[0]


def test_second_of_two_overlapping_saves_is_refused() -> None:
    endpoint = make_endpoint()
    first = endpoint_fields(timeout_seconds="5", opened_version="0")
    second = endpoint_fields(timeout_seconds="7", opened_version="0")
    saved, refused = post_at_once(f"{ROOT}endpoint/{endpoint.pk}/change/", Endpoint, first, second)
    assert (saved.status_code, refused.status_code) == (302, 200)
    assert "person-0 changed this at" in refused.content.decode()
    assert Endpoint.objects.get().timeout_seconds == 5.0
    assert list(Version.objects.order_by("number").values_list("number", flat=True)) == [1, 2]


def test_second_of_two_overlapping_saves_of_a_group_is_refused() -> None:
    group = make_endpoint().group
    endpoint = Endpoint.objects.get()
    row = {"id": endpoint.pk, "opened_version": "0"}
    first = group_fields(row, stored=1, name="First", opened_version="0")
    second = group_fields(row, stored=1, name="Second", opened_version="0")
    saved, refused = post_at_once(f"{ROOT}endpointgroup/{group.pk}/change/", EndpointGroup, first, second)
    assert (saved.status_code, refused.status_code) == (302, 200)
    assert EndpointGroup.objects.get().name == "First"


def test_endpoint_saved_in_its_group_and_by_itself_at_once_is_refused_the_second_time() -> None:
    endpoint = make_endpoint()
    url = f"{ROOT}endpointgroup/{endpoint.group_id}/change/"
    first = group_fields({"id": endpoint.pk, "timeout_seconds": "5", "opened_version": "0"}, stored=1)
    second = endpoint_fields(timeout_seconds="7", opened_version="0")
    own_url = f"{ROOT}endpoint/{endpoint.pk}/change/"
    saved, refused = post_at_once(url, Endpoint, first, second, second_url=own_url)
    assert (saved.status_code, refused.status_code) == (302, 200)
    assert Endpoint.objects.get().timeout_seconds == 5.0
