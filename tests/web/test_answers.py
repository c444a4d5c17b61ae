"""Pages that were just rendered."""

from __future__ import annotations

import gzip

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.models import StatusPage
from healthcheck.web.answers import MAX_AGE_SECONDS, Answers, pack
from healthcheck.web.public import send_answer
from tests.factories import make_endpoint, make_group, make_page, make_state, make_tick

BIG = b"x" * 1000


def test_answer_is_kept_for_its_time_and_no_longer() -> None:
    answers = Answers()
    answer = pack(BIG, "text/plain", at=100.0)
    answers.keep("key", answer)
    assert answers.find("key", at=100.0 + MAX_AGE_SECONDS - 0.01) is answer
    assert answers.find("key", at=100.0 + MAX_AGE_SECONDS) is None
    assert answers.find("other", at=100.0) is None


def test_what_was_used_least_lately_makes_room() -> None:
    answer = pack(BIG, "text/plain", at=0.0)
    answers = Answers(max_bytes=2 * answer.size)
    for key in ("a", "b"):
        answers.keep(key, answer)
    assert answers.find("a", at=0.0)
    answers.keep("c", answer)
    assert [key for key in "abc" if answers.find(key, at=0.0)] == ["a", "c"]


def test_key_that_is_kept_anew_takes_its_room_once() -> None:
    answer = pack(BIG, "text/plain", at=0.0)
    answers = Answers(max_bytes=2 * answer.size)
    for key in ("a", "b", "b", "b"):
        answers.keep(key, answer)
    assert answers.find("a", at=0.0)
    answers.forget()
    for key in "ab":
        answers.keep(key, answer)
    assert answers.find("a", at=0.0)


def test_what_is_over_makes_room_before_room_is_short() -> None:
    answers = Answers()
    first = pack(BIG, "text/plain", at=0.0)
    answers.keep("a", first)
    answers.keep("b", pack(BIG, "text/plain", at=MAX_AGE_SECONDS))
    # Asked for an instant at which it would still have been shown.
    assert answers.find("a", at=0.0) is None


def test_one_answer_is_kept_however_large_it_is() -> None:
    answers = Answers(max_bytes=1)
    answers.keep("key", pack(BIG, "text/plain", at=0.0))
    assert answers.find("key", at=0.0)


def test_same_content_is_the_same_answer_whenever_it_is_made() -> None:
    first, second = pack(BIG, "text/plain", at=1.0), pack(BIG, "text/plain", at=2.0)
    assert (first.etag, first.packed) == (second.etag, second.packed)
    assert pack(BIG + b"!", "text/plain", at=1.0).etag != first.etag


@pytest.mark.parametrize(
    ("offered", "is_packed"),
    [("gzip, br", True), ("GZIP;q=0.5", True), ("br", False), ("", False), ("gzip;q=0", False), ("gzip; q=0.0", False)],
)
def test_answer_is_packed_only_for_who_takes_it(rf: RequestFactory, offered: str, is_packed: bool) -> None:
    request = rf.get("/", headers={"accept-encoding": offered})
    response = send_answer(request, pack(BIG, "text/plain", at=0.0), at=0.0, varies_by_language=False)
    assert response.headers.get("Content-Encoding") == ("gzip" if is_packed else None)
    assert (gzip.decompress(response.content) if is_packed else response.content) == BIG
    assert response.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(("age", "rest"), [(0.0, 5), (0.9, 5), (1.0, 4), (4.99, 1)])
def test_others_keep_an_answer_for_the_rest_of_its_time(rf: RequestFactory, age: float, rest: int) -> None:
    response = send_answer(
        rf.get("/"),
        pack(BIG, "text/plain", at=10.0),
        at=10.0 + age,
        varies_by_language=True,
    )
    assert response.headers["Cache-Control"] == f"public, max-age={rest}"


@pytest.fixture
def _page(db: None) -> None:
    now = timezone.now()
    make_page()
    make_tick(at=now)
    make_state(make_endpoint(make_group()), now=now)


@pytest.mark.usefixtures("_page")
@pytest.mark.parametrize("address", ["/", "/status.json", "/status/status/"])
def test_second_visitor_costs_the_query_for_the_page(
    client: Client, address: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = client.get(address)
    with django_assert_num_queries(1):
        second = client.get(address)
    assert second.content == first.content


@pytest.mark.usefixtures("_page")
def test_change_of_the_page_itself_is_seen_at_once(client: Client) -> None:
    client.get("/")
    StatusPage.objects.update(announcement="Maintenance tonight")
    assert "Maintenance tonight" in client.get("/").content.decode()


@pytest.mark.usefixtures("_page")
def test_pages_parts_and_languages_are_kept_apart(client: Client) -> None:
    make_page("other", title="Other")
    bodies = {
        client.get(address, headers={"accept-language": language}).content
        for address in ("/", "/status.json", "/status/other/", "/status/other.json")
        for language in ("en", "de")
    }
    assert len(bodies) == 8
