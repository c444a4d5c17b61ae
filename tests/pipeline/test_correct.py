"""Corrections: what is stored, what is refused in which words, and what they do to the time they cover."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from healthcheck.models import Correction, CorrectionEffect, Endpoint, EndpointGroup, RollupMark
from healthcheck.pipeline import correct
from healthcheck.pipeline.correct import (
    MAX_ENDPOINT_HOURS,
    MAX_ENDPOINTS,
    MAX_LENGTH,
    MAX_REASON_LENGTH,
    Author,
    CorrectionsChangedError,
    Proposal,
    make_corrections,
    read_overlaps,
    withdraw_corrections,
)
from healthcheck.pipeline.marks import find_hour
from tests.factories import NOW, make_correction, make_endpoint, make_group, make_location

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
KIM = Author("Kim")
PROPOSAL = Proposal(NOW - 3 * HOUR, NOW - 2 * HOUR, CorrectionEffect.EXCLUDED, "our cable")


@pytest.fixture(autouse=True)
def location(db: None) -> None:
    make_location()


def make(*endpoints: Endpoint, **changed: Any) -> int:
    seen = changed.pop("seen", None)
    ids = [each.pk for each in endpoints]
    return make_corrections(ids, replace(PROPOSAL, **changed), author=KIM, now=NOW, seen=seen)


def refuse(*endpoints: Endpoint, **changed: Any) -> dict[str, list[str]]:
    """Return the sentences by field; those about all of it stand at the empty name."""
    with pytest.raises(ValidationError) as refusal:
        make(*endpoints, **changed)
    assert not Correction.objects.exists()
    assert not RollupMark.objects.exists()
    error = refusal.value
    return error.message_dict if hasattr(error, "error_dict") else {"": error.messages}


def read_marks() -> list[tuple[int, int, int]]:
    marks = RollupMark.objects.order_by("endpoint_id", "hour")
    return [(mark.endpoint_id, mark.hour - find_hour(NOW), mark.hours) for mark in marks]


def test_correction_is_stored_as_it_was_said() -> None:
    endpoint, kim = make_endpoint(), User.objects.create_user("kim")
    proposal = replace(PROPOSAL, is_public=True, effect=CorrectionEffect.FALSE_ALARM)
    assert make_corrections([endpoint.pk], proposal, author=Author("Kim", kim.pk), now=NOW) == 1
    stored: dict[str, Any] = {**Correction.objects.values().get()}
    del stored["id"]
    assert stored == {
        "endpoint_id": endpoint.pk,
        "starts_at": NOW - 3 * HOUR,
        "ends_at": NOW - 2 * HOUR,
        "effect": 2,
        "reason": "our cable",
        "is_public": True,
        "at": NOW,
        "author_id": kim.pk,
        "author_name": "Kim",
        "withdrawn_at": None,
        "withdrawn_by_name": "",
    }


def test_hours_that_it_changes_are_marked_when_it_is_made_and_when_it_is_withdrawn() -> None:
    endpoint = make_endpoint()
    make(endpoint, ends_at=NOW)
    # The last hour has just ended: it is rolled up for the first time yet.
    assert read_marks() == [(endpoint.pk, -3, 2)]
    RollupMark.objects.all().delete()
    assert withdraw_corrections([Correction.objects.get().pk], author=KIM, now=NOW) == 1
    # The last hour has just ended: it is rolled up for the first time yet.
    assert read_marks() == [(endpoint.pk, -3, 2)]


def test_a_thousand_endpoints_take_as_many_statements_as_one() -> None:
    group = make_group()
    endpoints = [make_endpoint(group, str(number)) for number in range(30)]
    counts = []
    for some in (endpoints[:1], endpoints):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            make(*some)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert Correction.objects.count() == 31


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"ends_at": NOW - 3 * HOUR}, "ends_at", "A correction must end after it starts; set a later end."),
        ({"ends_at": NOW - 4 * HOUR}, "ends_at", "A correction must end after it starts; set a later end."),
        (
            {"starts_at": NOW, "ends_at": NOW + HOUR},
            "starts_at",
            "It starts in the future; plan a maintenance window for what is still to come.",
        ),
        (
            {"ends_at": NOW + timedelta(microseconds=1)},
            "ends_at",
            "It ends in the future; end it now at the latest, and plan a maintenance window for the rest.",
        ),
        (
            {"starts_at": NOW - MAX_LENGTH - 3 * HOUR},
            "ends_at",
            "A correction covers at most 366 days; set an earlier end, and make another.",
        ),
        (
            {"starts_at": datetime.min.replace(tzinfo=UTC), "ends_at": datetime.min.replace(tzinfo=UTC) + HOUR},
            "starts_at",
            "Nothing was checked before the year 2000; set a later start.",
        ),
        ({"reason": ""}, "reason", "Give a reason: whoever reads the history will ask for it."),
        (
            {"reason": " \r\n\t\N{NO-BREAK SPACE}"},
            "reason",
            "Give a reason: whoever reads the history will ask for it.",
        ),
        (
            {"reason": "\N{ZERO WIDTH SPACE}\N{RIGHT-TO-LEFT OVERRIDE}\0"},
            "reason",
            "Give a reason: whoever reads the history will ask for it.",
        ),
        (
            {"reason": "x" * (MAX_REASON_LENGTH + 1)},
            "reason",
            "The reason may have 500 characters, and this one has 501; shorten it.",
        ),
        ({"effect": 4}, "effect", "Say what the interval was."),
    ],
)
def test_nonsense_is_refused_at_its_field(changed: dict[str, Any], field: str, sentence: str) -> None:
    assert refuse(make_endpoint(), **changed) == {field: [sentence]}


def test_longest_reason_and_longest_interval_are_taken() -> None:
    endpoint = make_endpoint()
    make(endpoint, reason="x" * MAX_REASON_LENGTH, starts_at=NOW - MAX_LENGTH, ends_at=NOW)
    assert Correction.objects.get().reason == "x" * MAX_REASON_LENGTH
    assert read_marks() == [(endpoint.pk, -366 * 24, 366 * 24 - 1)]


def test_reason_becomes_one_line_that_shows_what_it_is() -> None:
    make(make_endpoint(), reason="  our\r\ncable \N{RIGHT-TO-LEFT OVERRIDE}<b>\ud800\0 ")
    assert Correction.objects.get().reason == "our cable \ufffd<b>\ufffd\ufffd"


def test_hostile_name_of_an_account_is_made_harmless() -> None:
    make_corrections([make_endpoint().pk], PROPOSAL, author=Author("\N{RIGHT-TO-LEFT OVERRIDE}" + "k" * 300), now=NOW)
    assert Correction.objects.get().author_name == "\ufffd" + "k" * 198 + "…"


def test_too_many_endpoints_and_hours_are_refused() -> None:
    def settle(count: int, starts_at: datetime) -> list[str]:
        with pytest.raises(ValidationError) as refusal:
            correct.settle_proposal(replace(PROPOSAL, starts_at=starts_at, ends_at=NOW), count=count, now=NOW)
        return refusal.value.messages

    sentence = "Between 1 and 1000 endpoints are corrected at once; choose fewer."
    assert settle(0, NOW - HOUR) == settle(MAX_ENDPOINTS + 1, NOW - HOUR) == [sentence]
    hours = MAX_ENDPOINT_HOURS // MAX_ENDPOINTS
    correct.settle_proposal(replace(PROPOSAL, starts_at=NOW - hours * HOUR, ends_at=NOW), count=MAX_ENDPOINTS, now=NOW)
    sentence = (
        "That is 101000 hours of endpoints, and at most 100000 are corrected at once; choose fewer endpoints or a "
        "shorter interval."
    )
    assert settle(MAX_ENDPOINTS, NOW - hours * HOUR - timedelta(seconds=1)) == [sentence]


def test_endpoint_that_is_deleted_is_refused_with_all_the_others() -> None:
    group = make_group()
    kept, gone = make_endpoint(group, "kept"), make_endpoint(group, "gone", deleted_at=NOW)
    lost = make_endpoint(make_group("lost", deleted_at=NOW))
    sentence = "%d of the endpoints were deleted meanwhile, and nothing was corrected; select again."
    one = "1 of the endpoints was deleted meanwhile, and nothing was corrected; select again."
    for others, expected in (([gone], one), ([lost], one), ([gone, lost], sentence % 2)):
        assert refuse(kept, *others) == {"": [expected]}
    assert EndpointGroup.objects.count() == 2


def test_endpoint_with_too_many_corrections_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correct, "MAX_STANDING", 2)
    endpoint = make_endpoint()
    make(endpoint)
    make(endpoint)
    with pytest.raises(ValidationError, match="An endpoint has at most 2 corrections; withdraw some"):
        make(endpoint)
    withdraw_corrections([Correction.objects.values_list("pk", flat=True)[0]], author=KIM, now=NOW)
    make(endpoint)


def test_what_is_withdrawn_is_withdrawn_once_by_whoever_was_first() -> None:
    endpoint = make_endpoint()
    make(endpoint)
    [pk] = Correction.objects.values_list("pk", flat=True)
    assert withdraw_corrections([pk], author=KIM, now=NOW) == 1
    assert withdraw_corrections([pk], author=Author("Sam"), now=NOW + HOUR) == 0
    correction = Correction.objects.get()
    assert (correction.withdrawn_at, correction.withdrawn_by_name) == (NOW, "Kim")


def test_correction_of_an_endpoint_that_is_deleted_can_still_be_withdrawn() -> None:
    endpoint = make_endpoint()
    make(endpoint)
    Endpoint.objects.update(deleted_at=NOW)
    assert withdraw_corrections([Correction.objects.get().pk], author=KIM, now=NOW) == 1


def test_overlaps_are_told_apart_by_what_stands_in_the_interval() -> None:
    endpoint, other = make_endpoint(), make_endpoint(make_group("other"))
    told = [read_overlaps([endpoint.pk], PROPOSAL)]
    make_correction(other, start=PROPOSAL.starts_at, end=PROPOSAL.ends_at)
    make_correction(endpoint, start=PROPOSAL.ends_at, end=NOW)
    assert read_overlaps([endpoint.pk], PROPOSAL) == told[0]
    for _ in range(2):
        make_correction(endpoint, start=PROPOSAL.starts_at - HOUR, end=PROPOSAL.ends_at)
        told.append(read_overlaps([endpoint.pk], PROPOSAL))
    Correction.objects.filter(pk=Correction.objects.order_by("-pk")[1].pk).update(withdrawn_at=NOW)
    told.append(read_overlaps([endpoint.pk], PROPOSAL))
    assert len(set(told)) == len(told)


def test_nothing_is_written_over_what_the_person_has_not_seen() -> None:
    endpoint = make_endpoint()
    seen = read_overlaps([endpoint.pk], PROPOSAL)
    make(endpoint, seen=seen)
    with pytest.raises(CorrectionsChangedError):
        make(endpoint, seen=seen)
    assert Correction.objects.count() == 1
