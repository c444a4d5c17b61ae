"""Endpoints that change places at once: groups are locked by their id, so that two who cross each other only wait."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import transaction

from healthcheck.definitions.versions import lock_rows
from healthcheck.models import Endpoint, EndpointGroup
from tests.admin.change.test_bulk import EDIT
from tests.admin.change.test_lock_order import log_in
from tests.admin.change.test_moving import move
from tests.factories import make_endpoint, make_group
from tests.locks import WAIT_SECONDS, in_thread, wait_for_waiting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database, pytest.mark.postgresql]


def test_two_that_change_places_do_not_deadlock() -> None:
    first, second = make_group("first"), make_group("second")
    there, back = make_endpoint(first, "there"), make_endpoint(second, "back")
    client = log_in()
    states = [move(client, second, there).context["state"], move(client, first, back).context["state"]]
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            # Whoever took the other group first would hold it while waiting for this one.
            lock_rows(EndpointGroup, [first.pk])
            moves = []
            for count, state in enumerate(states, start=1):
                moves.append(in_thread(pool, partial(_apply, state)))
                wait_for_waiting(count)
        assert [each.result(WAIT_SECONDS) for each in moves] == [302, 302]
    assert dict(Endpoint.objects.values_list("name", "group__slug")) == {"there": "second", "back": "first"}


def _apply(state: str) -> int:
    return log_in().post(EDIT, {"state": state, "step": "apply"}).status_code
