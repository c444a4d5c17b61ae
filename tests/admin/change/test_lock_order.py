"""Groups before endpoints, whoever changes what: on PostgreSQL, two who lock in different orders end in a deadlock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.utils import timezone

from healthcheck.definitions.versions import lock_rows
from healthcheck.models import Endpoint, EndpointGroup
from healthcheck.pipeline.prune import prune
from tests.admin.conftest import endpoint_fields, group_fields
from tests.factories import make_endpoint, make_group
from tests.locks import WAIT_SECONDS, in_thread, wait_for_waiting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database, pytest.mark.postgresql]

ADMIN = "/admin/healthcheck"
MOVED = "http://127.0.0.2/"


def log_in() -> Client:
    client = Client()
    client.force_login(User.objects.get_or_create(username="boss", is_staff=True, is_superuser=True)[0])
    return client


def change_endpoint(endpoint: Endpoint) -> int:
    fields = endpoint_fields(name=endpoint.name, address=MOVED)
    return log_in().post(f"{ADMIN}/endpoint/{endpoint.pk}/change/", fields).status_code


def resume_endpoint(endpoint: Endpoint) -> int:
    fields = {"action": "resume_selected", "_selected_action": endpoint.pk}
    return log_in().post(f"{ADMIN}/endpoint/", fields).status_code


def change_group(endpoint: Endpoint) -> int:
    member = {"id": endpoint.pk, "group": endpoint.group_id, "name": endpoint.name, "address": endpoint.address}
    group = endpoint.group
    fields = group_fields(member, stored=1, name="Renamed", slug=group.slug)
    return log_in().post(f"{ADMIN}/endpointgroup/{group.pk}/change/", fields).status_code


@pytest.mark.parametrize("change", [change_endpoint, resume_endpoint])
def test_endpoint_and_its_group_are_changed_at_once_without_a_deadlock(change: Callable[[Endpoint], int]) -> None:
    endpoint = make_endpoint(make_group(), is_paused=change is resume_endpoint)
    log_in()
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            lock_rows(EndpointGroup, [endpoint.group_id])
            # First in the queue for the group is whoever then wants the endpoint.
            of_group = in_thread(pool, lambda: change_group(endpoint))
            wait_for_waiting(1)
            of_endpoint = in_thread(pool, lambda: change(endpoint))
            wait_for_waiting(2)
        assert (of_group.result(WAIT_SECONDS), of_endpoint.result(WAIT_SECONDS)) == (302, 302)
    assert EndpointGroup.objects.get().name == "Renamed"


def test_pruner_and_whoever_changes_the_group_do_not_deadlock() -> None:
    now = timezone.now()
    endpoint = make_endpoint(make_group(), deleted_at=now - timedelta(hours=1))

    def change() -> None:
        with transaction.atomic():
            lock_rows(EndpointGroup, [endpoint.group_id])
            lock_rows(Endpoint, [endpoint.pk])

    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            lock_rows(EndpointGroup, [endpoint.group_id])
            changing = in_thread(pool, change)
            wait_for_waiting(1)
            pruning = in_thread(pool, lambda: prune(now, retention=timedelta(days=1), budget_seconds=60))
            wait_for_waiting(2)
        changing.result(WAIT_SECONDS)
        pruning.result(WAIT_SECONDS)
    assert not Endpoint.objects.exists()
