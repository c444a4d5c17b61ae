"""What everybody may know of corrections: published reasons, the number of the others, and nothing else of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.models import CorrectionEffect, Endpoint
from healthcheck.web.answers import ANSWERS
from healthcheck.web.corrections import MAX_NOTES, SHOWN, load_corrections
from tests.factories import make_correction, make_endpoint, make_group, make_page, make_tick

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
HOSTILE = '<script>alert(1)</script> "quoted" & \N{RIGHT-TO-LEFT OVERRIDE}backwards ' + "unbroken" * 20
CANARY = "canary-4711"


@pytest.fixture
def endpoint() -> Endpoint:
    now = timezone.now()
    make_page()
    make_tick(at=now)
    return make_endpoint(make_group(next_run_at=now + HOUR))


def correct(endpoint: Endpoint, ago: timedelta = 2 * HOUR, **columns: Any) -> None:
    start = timezone.now() - ago
    make_correction(endpoint, start=start, end=start + HOUR, **columns)


def show(client: Client, endpoint: Endpoint) -> str:
    ANSWERS.forget()
    return str(client.get(f"/status/status/{endpoint.pk}/").content.decode())


def read(client: Client, endpoint: Endpoint) -> Any:
    ANSWERS.forget()
    return client.get(f"/status/status/{endpoint.pk}.json").json()["corrections"]


def test_page_without_corrections_does_not_speak_of_any(client: Client, endpoint: Endpoint) -> None:
    assert "hc-corrections" not in show(client, endpoint)
    assert read(client, endpoint) == {"count": 0, "published": []}


@pytest.mark.parametrize(
    ("effect", "word", "words"),
    [
        (CorrectionEffect.MAINTENANCE, "maintenance", "Counts as maintenance, neither as good time nor as bad."),
        (CorrectionEffect.FALSE_ALARM, "false_alarm", "What was measured as degraded or down counts as up."),
        (CorrectionEffect.EXCLUDED, "excluded", "Counts neither as good time nor as bad."),
    ],
)
def test_published_reason_is_told_with_what_it_does(
    client: Client, endpoint: Endpoint, effect: CorrectionEffect, word: str, words: str
) -> None:
    correct(endpoint, effect=effect, is_public=True, reason="A cable of ours was cut.")
    text = show(client, endpoint)
    for each in (words, "<bdi>A cable of ours was cut.</bdi>", "for 1 hour", "1 interval of the last year was"):
        assert each in text
    told = read(client, endpoint)
    assert (told["count"], told["published"][0]["effect"]) == (1, word)
    assert told["published"][0]["reason"] == "A cable of ours was cut."


def test_private_reason_leaves_its_number_and_no_trace(client: Client, endpoint: Endpoint) -> None:
    author = User.objects.create_user(f"{CANARY}-account", first_name=CANARY)
    for count in range(2):
        correct(endpoint, (2 + count) * HOUR, reason=f"{CANARY} {count}", author=author, author_name=CANARY)
    correct(endpoint, is_public=True, reason="said aloud", author=author, author_name=CANARY)
    text = show(client, endpoint)
    assert "3 intervals of the last year were corrected by hand" in text
    assert "The reasons of 2 are not published." in text
    told = read(client, endpoint)
    assert (told["count"], [each["reason"] for each in told["published"]]) == (3, ["said aloud"])
    for answer in (text, str(told)):
        assert CANARY not in answer


def test_withdrawn_correction_is_history_for_staff_alone(client: Client, endpoint: Endpoint) -> None:
    correct(endpoint, is_public=True, reason=CANARY, withdrawn_at=timezone.now(), withdrawn_by_name=CANARY)
    text = show(client, endpoint)
    assert "hc-corrections" not in text
    assert CANARY not in text
    assert read(client, endpoint)["count"] == 0


def test_neighbour_does_not_tell_of_it(client: Client, endpoint: Endpoint) -> None:
    correct(make_endpoint(endpoint.group, "neighbour"), is_public=True, reason=CANARY)
    assert CANARY not in show(client, endpoint)
    assert read(client, endpoint)["count"] == 0


def test_hostile_reason_stays_text(client: Client, endpoint: Endpoint) -> None:
    correct(endpoint, is_public=True, reason=HOSTILE)
    text = show(client, endpoint)
    assert "<script>alert" not in text
    assert "<bdi>&lt;script&gt;alert(1)&lt;/script&gt; &quot;quoted&quot; &amp; " in text
    assert read(client, endpoint)["published"][0]["reason"] == HOSTILE


def test_what_lies_before_all_that_is_shown_is_left_out(client: Client, endpoint: Endpoint) -> None:
    correct(endpoint, SHOWN + 2 * HOUR, is_public=True, reason=CANARY)
    correct(endpoint, SHOWN + HOUR / 2, is_public=True, reason="half of it")
    assert [each["reason"] for each in read(client, endpoint)["published"]] == ["half of it"]


@pytest.mark.parametrize("count", [1, 3, MAX_NOTES + 10])
def test_corrections_cost_two_queries(
    endpoint: Endpoint, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        correct(endpoint, (number + 2) * HOUR, is_public=True, reason=str(number))
    with django_assert_num_queries(2):
        corrections = load_corrections(endpoint.pk, timezone.now())
    newest = [str(number) for number in range(min(count, MAX_NOTES))]
    assert [note.reason for note in corrections.notes] == newest
    assert corrections.count == corrections.published == count


def test_page_says_that_there_are_more_than_it_lists(client: Client, endpoint: Endpoint) -> None:
    for number in range(MAX_NOTES + 1):
        correct(endpoint, (number + 2) * HOUR, is_public=True)
    text = show(client, endpoint)
    assert "21 intervals of the last year were corrected by hand" in text
    assert "These are the newest 20." in text
    assert "not published" not in text


def test_answer_is_another_once_something_was_corrected(client: Client, endpoint: Endpoint) -> None:
    url = f"/status/status/{endpoint.pk}.json"
    first = client.get(url)
    known = {"if-none-match": first["ETag"]}
    # What a process has rendered it keeps for its five seconds.
    assert client.get(url, headers=known).status_code == 304
    correct(endpoint)
    ANSWERS.forget()
    after = client.get(url, headers=known)
    assert (after.status_code, after["ETag"] != first["ETag"]) == (200, True)
    assert (first.json()["corrections"]["count"], after.json()["corrections"]["count"]) == (0, 1)
