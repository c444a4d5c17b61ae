"""Two people at once: one correction stands, the other person is told; and nothing is written for what goes away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from healthcheck.models import Correction, CorrectionEffect, Endpoint, RollupMark
from healthcheck.pipeline.correct import (
    Author,
    CorrectionsChangedError,
    Proposal,
    make_corrections,
    read_overlaps,
    withdraw_corrections,
)
from tests.factories import NOW, make_correction, make_endpoint, make_group, make_location
from tests.locks import WAIT_SECONDS, in_thread, wait_for_waiting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

HOUR = timedelta(hours=1)
PEOPLE = 4
PROPOSAL = Proposal(NOW - 3 * HOUR, NOW - 2 * HOUR, CorrectionEffect.EXCLUDED, "our cable")


@pytest.fixture
def endpoints() -> list[Endpoint]:
    make_location()
    group = make_group()
    return [make_endpoint(group, str(number)) for number in range(3)]


def act_at_once(act: Callable[[int], object]) -> list[object]:
    """Let everybody begin in the same moment, each on a connection of their own; return what each came to."""
    start = threading.Barrier(PEOPLE)

    def join(number: int) -> object:
        start.wait(WAIT_SECONDS)
        try:
            return act(number)
        except CorrectionsChangedError:
            return "changed"

    with ThreadPoolExecutor(PEOPLE) as pool:
        joined = [in_thread(pool, lambda number=number: join(number)) for number in range(PEOPLE)]  # type: ignore[misc]
        return [each.result(WAIT_SECONDS) for each in joined]


def make(ids: list[int], *, seen: str | None = None, author: str = "Kim") -> int:
    return make_corrections(ids, PROPOSAL, author=Author(author), now=NOW, seen=seen)


def test_of_all_who_have_seen_the_same_one_corrects_it(endpoints: list[Endpoint]) -> None:
    ids = [each.pk for each in endpoints]
    seen = read_overlaps(ids, PROPOSAL)
    # Each in another order: nobody waits for somebody who waits for them.
    came_to = act_at_once(lambda number: make([*ids[number % 3 :], *ids[: number % 3]], seen=seen))
    assert sorted(map(str, came_to)) == ["3", *["changed"] * (PEOPLE - 1)]
    assert sorted(Correction.objects.values_list("endpoint_id", flat=True)) == ids
    assert RollupMark.objects.count() == len(ids)


def test_whoever_withdraws_it_first_has_withdrawn_it(endpoints: list[Endpoint]) -> None:
    correction = make_correction(endpoints[0], start=NOW - HOUR, end=NOW)
    came_to = act_at_once(lambda number: withdraw_corrections([correction.pk], author=Author(str(number)), now=NOW))
    assert sorted(map(str, came_to)) == [*["0"] * (PEOPLE - 1), "1"]
    correction.refresh_from_db()
    assert correction.withdrawn_by_name == str(came_to.index(1))


def test_whose_account_is_gone_stays_named_for_what_they_corrected(endpoints: list[Endpoint]) -> None:
    kim = Author("Kim", User.objects.create_user("kim").pk)
    User.objects.all().delete()
    assert make_corrections([endpoints[0].pk], PROPOSAL, author=kim, now=NOW) == 1
    correction = Correction.objects.get()
    assert (correction.author_id, correction.author_name) == (None, "Kim")


@pytest.mark.postgresql
def test_second_waits_for_the_first_and_sees_what_it_wrote(endpoints: list[Endpoint]) -> None:
    ids = [each.pk for each in endpoints]
    seen = read_overlaps(ids, PROPOSAL)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            make(ids[:1], seen=read_overlaps(ids[:1], PROPOSAL))
            second = in_thread(pool, lambda: make(ids, seen=seen))
            wait_for_waiting()
        with pytest.raises(CorrectionsChangedError):
            second.result(WAIT_SECONDS)
    assert Correction.objects.count() == 1


@pytest.mark.postgresql
def test_nothing_is_written_for_an_endpoint_that_is_going_away(endpoints: list[Endpoint]) -> None:
    gone, ids = endpoints[1], [each.pk for each in endpoints]
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            # What the pruner does.
            Endpoint.objects.select_for_update(no_key=True).get(pk=gone.pk)
            gone.delete()
            making = in_thread(pool, lambda: make(ids))
            wait_for_waiting()
        with pytest.raises(ValidationError, match="1 of the endpoints was deleted meanwhile"):
            making.result(WAIT_SECONDS)
    assert not Correction.objects.exists()
