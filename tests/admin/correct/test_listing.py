"""The list of corrections, the page of an endpoint's, and taking one back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.admin.correct import withdrawing
from healthcheck.engine.types import State
from healthcheck.models import Correction, CorrectionEffect, Endpoint, RollupMark
from tests.admin.conftest import CLOCK_QUERIES
from tests.factories import make_correction, make_endpoint, make_group, make_location, make_state, make_transition

pytestmark = pytest.mark.django_db

ROOT = "/admin/healthcheck/"
LIST, WITHDRAW = f"{ROOT}correction/", f"{ROOT}correction/withdraw/"
HOUR = timedelta(hours=1)
LIST_QUERIES, PAGE_QUERIES = 10, 7


def correct(endpoint: Endpoint, **columns: Any) -> Correction:
    now = timezone.now()
    return make_correction(endpoint, start=now - 3 * HOUR, end=now - HOUR, **columns)


def read_reasons(response: Any) -> list[str]:
    return [row.reason for row in response.context["cl"].result_list]


def say(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def withdraw(client: Client, *corrections: Correction) -> Any:
    chosen = {"action": "withdraw_selected", "_selected_action": [each.pk for each in corrections]}
    asked = client.post(LIST, chosen)
    return client.post(WITHDRAW, {"state": asked.context["state"]}, follow=True)


def test_list_is_found_by_endpoint_effect_author_and_what_was_withdrawn(operator: Client) -> None:
    site, shop = make_endpoint(name="site"), make_endpoint(make_group("shop"), "shop window")
    correct(site, reason="one", author_name="Kim")
    correct(shop, reason="two", author_name="Sam", effect=CorrectionEffect.FALSE_ALARM)
    correct(shop, reason="three", author_name="Kim", withdrawn_at=timezone.now(), withdrawn_by_name="Alex")
    questions = {
        "": ["three", "two", "one"],
        f"?endpoint={shop.pk}": ["three", "two"],
        "?effect=false_alarm": ["two"],
        "?author=Kim": ["three", "one"],
        "?withdrawn=0": ["two", "one"],
        "?withdrawn=1": ["three"],
        "?q=wind": ["three", "two"],
        "?q=one": ["one"],
        "?endpoint=x&effect=x&withdrawn=x": ["three", "two", "one"],
    }
    assert {query: read_reasons(operator.get(f"{LIST}{query}")) for query in questions} == questions
    text = operator.get(LIST).content.decode()
    for each in ("Alex", "site in Web", "shop window in Shop", "for staff only"):
        assert each in text


def test_viewers_see_it_and_are_offered_nothing(viewer: Client) -> None:
    endpoint = make_endpoint()
    correct(endpoint, author_name="Kim")
    make_state(endpoint)
    make_transition(endpoint, at=timezone.now() - HOUR)
    for url in (LIST, f"{ROOT}endpoint/{endpoint.pk}/corrections/"):
        text = viewer.get(url).content.decode()
        assert "Kim" in text
        assert "our cable" in text
        assert "Withdraw…" not in text
        assert "correction/make/" not in text


def test_history_outlives_the_account_and_the_endpoint(operator: Client) -> None:
    kim = User.objects.create_user("kim")
    endpoint = make_endpoint()
    correct(endpoint, author=kim, author_name="Kim")
    kim.delete()
    page = f"{ROOT}endpoint/{endpoint.pk}/corrections/"
    assert page in operator.get(LIST).content.decode()
    Endpoint.objects.update(deleted_at=timezone.now())
    text = operator.get(LIST).content.decode()
    assert "Kim" in text
    assert "site in Web" in text
    # A page that is not there any more.
    assert page not in text


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_as_many_queries_for_many_as_for_one(
    operator: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    group = make_group()
    for number in range(count):
        correct(make_endpoint(group, str(number)), author_name=str(number))
    with django_assert_num_queries(LIST_QUERIES):
        operator.get(LIST)


@pytest.mark.parametrize("count", [1, 3])
def test_page_of_an_endpoint_takes_as_many_queries_for_many(
    operator: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    endpoint, now = make_endpoint(), timezone.now()
    make_state(endpoint)
    for number in range(count):
        correct(endpoint)
        make_transition(endpoint, at=now - 2 * number * HOUR)
        make_transition(endpoint, at=now - (2 * number + 1) * HOUR, from_state=State.DOWN, to_state=State.UP)
    with django_assert_num_queries(PAGE_QUERIES + CLOCK_QUERIES):
        shown = operator.get(f"{ROOT}endpoint/{endpoint.pk}/corrections/")
    assert len(shown.context["stretches"]) == len(shown.context["corrections"]) == count


def test_stretches_are_told_by_location(operator: Client) -> None:
    endpoint, now = make_endpoint(), timezone.now()
    for slug, state in (("default", State.DOWN), ("far-away", State.DEGRADED)):
        location = make_location(slug)
        make_state(endpoint, state, location=location)
        make_transition(endpoint, at=now - HOUR, to_state=state, location=location)
        make_transition(endpoint, at=now - 2 * HOUR, to_state=State.UNKNOWN, location=location)
    shown = operator.get(f"{ROOT}endpoint/{endpoint.pk}/corrections/").context["stretches"]
    assert {row["location"] for row in shown} == {"Default", "Far-Away"}
    assert [row["lasted"] for row in shown] == ["1 h", "1 h"]


def test_correction_is_withdrawn_after_a_page_that_says_what_it_changes(operator: Client) -> None:
    endpoint, now = make_endpoint(), timezone.now()
    make_transition(endpoint, at=now - 4 * HOUR, from_state=State.UNKNOWN)
    correction = correct(endpoint, effect=CorrectionEffect.FALSE_ALARM)
    asked = operator.get(f"{WITHDRAW}?correction={correction.pk}")
    interval = asked.context["figures"][0]
    assert (interval["before"]["uptime"], interval["after"]["uptime"]) == ("100 %", "0 %")
    assert Correction.objects.standing().exists()
    done = operator.post(WITHDRAW, {"state": asked.context["state"]}, follow=True)
    assert say(done) == ["1 correction was withdrawn."]
    assert done.redirect_chain == [(f"{ROOT}endpoint/{endpoint.pk}/corrections/", 302)]
    correction.refresh_from_db()
    assert correction.withdrawn_by_name == "operator"
    assert RollupMark.objects.exists()
    again = operator.post(WITHDRAW, {"state": asked.context["state"]}, follow=True)
    assert say(again) == ["1 had been withdrawn before, by somebody else."]


def test_many_are_withdrawn_together(operator: Client) -> None:
    group = make_group()
    corrections = [correct(make_endpoint(group, str(number))) for number in range(3)]
    done = withdraw(operator, *corrections[:2])
    assert say(done) == ["2 corrections were withdrawn."]
    assert list(Correction.objects.standing()) == corrections[2:]


def test_more_than_are_withdrawn_at_once_are_refused(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(withdrawing, "MAX_WITHDRAWN", 1)
    endpoint = make_endpoint()
    chosen = {"action": "withdraw_selected", "_selected_action": [correct(endpoint).pk, correct(endpoint).pk]}
    refused = operator.post(LIST, chosen, follow=True)
    assert say(refused) == ["More than 1 are selected; narrow the list with a filter and withdraw in parts."]
    assert Correction.objects.standing().count() == 2


@pytest.mark.parametrize("asked", ["", "?correction=0", "?correction=x", "?correction=99999999999999999999"])
def test_address_that_names_no_correction_leads_to_the_list(operator: Client, asked: str) -> None:
    answer = operator.get(f"{WITHDRAW}{asked}", follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    assert say(answer) == ["There is nothing of it left to withdraw."]


def test_admin_has_no_way_to_edit_or_delete(operator: Client) -> None:
    correction = correct(make_endpoint())
    for path in (f"{correction.pk}/change/", f"{correction.pk}/delete/", f"{correction.pk}/", "add/"):
        assert operator.get(f"{LIST}{path}").status_code == 404
    chosen = {"action": "delete_selected", "_selected_action": [correction.pk], "post": "yes"}
    operator.post(LIST, chosen)
    assert Correction.objects.get() == correction
