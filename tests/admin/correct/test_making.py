"""From a selection to corrections: nothing before the preview, and after it what was shown and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.admin.correct import making
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import Correction, CorrectionEffect, Endpoint
from healthcheck.pipeline import foresee
from tests.admin.conftest import CLOCK_QUERIES, make_person
from tests.factories import make_correction, make_endpoint, make_group, make_state, make_transition

pytestmark = pytest.mark.django_db

ROOT = "/admin/healthcheck/"
MAKE = f"{ROOT}correction/make/"
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
HOSTILE = '<script>alert(1)</script> "quoted" \N{RIGHT-TO-LEFT OVERRIDE}\r\nsecond line'
PREVIEW_QUERIES = 12 + 2 * CLOCK_QUERIES


@pytest.fixture
def now() -> datetime:
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def endpoint(now: datetime) -> Endpoint:
    """Up for two days, down for an hour that ended an hour ago, a millionth of a second into both."""
    endpoint = make_endpoint(make_group(name="Shop"), "site")
    part = timedelta(microseconds=1)
    make_state(endpoint, now=now)
    make_transition(endpoint, at=now - 2 * DAY, from_state=State.UNKNOWN, to_state=State.UP)
    make_transition(endpoint, at=now - 2 * HOUR + part, error_kind=ErrorKind.TIMEOUT)
    make_transition(endpoint, at=now - HOUR + part, from_state=State.DOWN, to_state=State.UP)
    return endpoint


def write(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def type_in(now: datetime, **changed: str) -> dict[str, str]:
    typed = {"starts_at": write(now - 2 * HOUR), "ends_at": write(now - HOUR), "effect": "3", "reason": "our cable"}
    return typed | changed


def open_form(client: Client, *endpoints: Endpoint) -> Any:
    if len(endpoints) == 1:
        return client.get(f"{MAKE}?endpoint={endpoints[0].pk}")
    chosen = {"action": "correct_selected", "_selected_action": [each.pk for each in endpoints]}
    return client.post(f"{ROOT}endpoint/", chosen)


def preview(client: Client, shown: Any, typed: dict[str, str]) -> Any:
    return client.post(MAKE, {"state": shown.context["state"], "step": "preview", **typed})


def press(client: Client, shown: Any, step: str = "make") -> Any:
    return client.post(MAKE, {"state": shown.context["state"], "step": step}, follow=True)


def say(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_interval_that_was_down_is_filled_in_and_corrected(operator: Client, endpoint: Endpoint, now: datetime) -> None:
    page = operator.get(f"{ROOT}endpoint/{endpoint.pk}/corrections/")
    [stretch] = page.context["stretches"]
    assert (stretch["lasted"], stretch["reason"], stretch["corrected"]) == ("1 h", "It did not answer in time.", "")
    asked = parse_qs(urlsplit(stretch["url"]).query)
    whole = [(now - 2 * HOUR), (now - HOUR + timedelta(seconds=1))]
    assert [asked["starts_at"][0], asked["ends_at"][0]] == [f"{at:%Y-%m-%d %H:%M:%S}" for at in whole]
    form = operator.get(stretch["url"])
    assert asked["starts_at"][0] in form.content.decode()
    shown = preview(operator, form, type_in(now, starts_at=asked["starts_at"][0], ends_at=asked["ends_at"][0]))
    assert [row["name"] for row in shown.context["figures"]] == [
        "The interval itself",
        "Last 24 hours",
        "Last 7 days",
        "Last 30 days",
        "Last 90 days",
    ]
    day = shown.context["figures"][1]
    assert (day["before"]["uptime"], day["before"]["rest"]) == ("95.833 %", "down 1 h")
    assert (day["after"]["uptime"], day["after"]["rest"]) == ("100 %", "excluded 1 h 1 s")
    assert not Correction.objects.exists()
    made = press(operator, shown)
    assert say(made) == ["1 endpoint was corrected."]
    correction = Correction.objects.get()
    assert [correction.starts_at, correction.ends_at] == whole
    assert (correction.author_name, correction.reason, correction.is_public) == ("operator", "our cable", False)
    assert made.redirect_chain == [(f"{ROOT}endpoint/{endpoint.pk}/corrections/", 302)]
    assert [row["corrected"] for row in made.context["stretches"]] == ["excluded"]


def test_stretch_that_still_lasts_is_corrected_up_to_now(operator: Client, now: datetime) -> None:
    endpoint = make_endpoint()
    make_state(endpoint, State.DOWN)
    make_transition(endpoint, at=now - HOUR)
    [stretch] = operator.get(f"{ROOT}endpoint/{endpoint.pk}/corrections/").context["stretches"]
    assert stretch["end"] == ""
    typed = {name: found[0] for name, found in parse_qs(urlsplit(stretch["url"]).query).items() if name != "endpoint"}
    shown = preview(operator, open_form(operator, endpoint), type_in(now, **typed))
    assert shown.context["figures"][0]["after"]["uptime"] == "nothing measured"


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"effect": ""}, "effect", "Say what the interval was."),
        ({"reason": " \t"}, "reason", "Give a reason: whoever reads the history will ask for it."),
        ({"starts_at": ""}, "starts_at", "Give a time."),
        (
            {"ends_at": "soon"},
            "ends_at",
            "Write the time as 2026-07-01 14:05, with an offset behind it where that is needed.",
        ),
        ({"ends_at": "2001-01-01 12:00"}, "ends_at", "A correction must end after it starts; set a later end."),
        (
            {"ends_at": "2999-01-01 12:00"},
            "ends_at",
            "It ends in the future; end it now at the latest, and plan a maintenance window for the rest.",
        ),
        ({"reason": "a\0b"}, "reason", "Null characters are not allowed."),
        ({"reason": "x" * 501}, "reason", "The reason may have 500 characters, and this one has 501; shorten it."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    operator: Client, endpoint: Endpoint, changed: dict[str, str], field: str, sentence: str
) -> None:
    now = timezone.now()
    refused = preview(operator, open_form(operator, endpoint), type_in(now, **changed))
    assert refused.context["form"].errors == {field: [sentence]}
    # What was typed is still there, and the selection goes on.
    assert preview(operator, refused, type_in(now)).context["proposal"].reason == "our cable"


def test_hostile_reason_becomes_one_harmless_line(operator: Client, endpoint: Endpoint, now: datetime) -> None:
    shown = preview(operator, open_form(operator, endpoint), type_in(now, reason=HOSTILE, is_public="on"))
    made = press(operator, shown)
    stored = Correction.objects.get()
    assert stored.reason == '<script>alert(1)</script> "quoted" \ufffd second line'
    assert stored.is_public
    for page in (
        shown,
        made,
        operator.get(f"{ROOT}correction/"),
        operator.get(f"{ROOT}correction/withdraw/?correction={stored.pk}"),
    ):
        assert "<script>alert" not in page.content.decode()
        assert "&lt;script&gt;alert(1)&lt;/script&gt; &quot;quoted&quot; \ufffd second line" in page.content.decode()


def test_selected_endpoints_are_corrected_together(operator: Client, endpoint: Endpoint, now: datetime) -> None:
    other, left = make_endpoint(endpoint.group, "other"), make_endpoint(endpoint.group, "left alone")
    shown = preview(operator, open_form(operator, endpoint, other), type_in(now))
    assert [row["name"] for row in shown.context["rows"]] == ["other", "site"]
    assert [cell["before"]["uptime"] for cell in shown.context["rows"][0]["cells"]] == ["nothing measured"] * 5
    made = press(operator, shown)
    assert say(made) == ["2 endpoints were corrected."]
    assert made.redirect_chain == [(f"{ROOT}correction/", 302)]
    assert set(Correction.objects.values_list("endpoint_id", flat=True)) == {endpoint.pk, other.pk}
    assert left.pk not in {row.endpoint_id for row in Correction.objects.all()}


def test_whole_groups_are_corrected_from_their_form_and_their_list(
    operator: Client, endpoint: Endpoint, now: datetime
) -> None:
    make_endpoint(endpoint.group, "gone", deleted_at=now)
    other = make_endpoint(make_group("other"), "other")
    assert operator.get(f"{MAKE}?group={endpoint.group_id}").context["only"] == endpoint
    chosen = {"action": "correct_selected", "_selected_action": [endpoint.group_id, other.group_id]}
    form = operator.post(f"{ROOT}endpointgroup/", chosen)
    press(operator, preview(operator, form, type_in(now)))
    assert set(Correction.objects.values_list("endpoint_id", flat=True)) == {endpoint.pk, other.pk}


def test_more_than_are_corrected_at_once_are_refused(
    operator: Client, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "MAX_ENDPOINTS", 1)
    refused = open_form(operator, endpoint, make_endpoint(endpoint.group, "other"))
    assert refused.url == f"{ROOT}correction/"
    sentence = "More than 1 endpoints are selected; narrow the list with a filter and correct in parts."
    assert say(operator.get(refused.url)) == [sentence]


@pytest.mark.parametrize("query", ["", "?endpoint=999999", "?endpoint=x", "?group=0", "?endpoint=99999999999999999999"])
def test_address_that_names_nothing_leads_to_the_list(operator: Client, query: str) -> None:
    answer = operator.get(f"{MAKE}{query}", follow=True)
    assert answer.redirect_chain == [(f"{ROOT}endpoint/", 302)]
    assert say(answer) == ["Choose first what is to be corrected: an endpoint, a group, or some of a list."]


def test_what_was_said_can_be_changed_before_it_is_made(operator: Client, endpoint: Endpoint, now: datetime) -> None:
    shown = preview(operator, open_form(operator, endpoint), type_in(now, reason="first thought"))
    form = press(operator, shown, step="form")
    assert form.context["form"]["reason"].value() == "first thought"
    press(operator, preview(operator, form, type_in(now, reason="second thought")))
    assert Correction.objects.get().reason == "second thought"


def test_page_of_another_person_is_worth_nothing(operator: Client, endpoint: Endpoint, now: datetime) -> None:
    shown = preview(operator, open_form(operator, endpoint), type_in(now))
    thief = make_person("operate_endpointgroup", "view_endpoint", name="thief")
    assert say(press(thief, shown)) == ["That page is too old; select again."]
    assert not Correction.objects.exists()


def test_conflicts_are_shown_and_new_ones_are_asked_about(operator: Client, endpoint: Endpoint, now: datetime) -> None:
    make_correction(endpoint, start=now - 3 * HOUR, end=now - 90 * MINUTE, reason="earlier", author_name="Kim")
    make_correction(endpoint, start=now - 3 * HOUR, end=now - 90 * MINUTE, reason="withdrawn", withdrawn_at=now)
    shown = preview(operator, open_form(operator, endpoint), type_in(now))
    assert [row["reason"] for row in shown.context["conflicts"]["rows"]] == ["earlier"]
    make_correction(endpoint, start=now - 100 * MINUTE, end=now, reason="meanwhile")
    again = press(operator, shown)
    [warning] = say(again)
    assert warning.startswith("Somebody corrected something in this interval after this page was shown, and nothing")
    assert [row["reason"] for row in again.context["conflicts"]["rows"]] == ["meanwhile", "earlier"]
    assert Correction.objects.count() == 3
    assert say(press(operator, again)) == ["1 endpoint was corrected."]


def test_button_that_is_pressed_twice_corrects_once(operator: Client, endpoint: Endpoint, now: datetime) -> None:
    shown = preview(operator, open_form(operator, endpoint), type_in(now))
    press(operator, shown)
    again = press(operator, shown)
    assert "nothing was written" in say(again)[0]
    assert Correction.objects.count() == 1


def test_endpoint_that_goes_away_meanwhile_is_said(operator: Client, endpoint: Endpoint, now: datetime) -> None:
    shown = preview(operator, open_form(operator, endpoint), type_in(now))
    Endpoint.objects.update(deleted_at=now)
    refused = press(operator, shown)
    assert "1 of the endpoints was deleted meanwhile, and nothing was corrected" in refused.content.decode()
    assert not Correction.objects.exists()


def test_pages_of_a_preview_say_when_something_changed_between_them(
    operator: Client, endpoint: Endpoint, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "ROWS_PER_PAGE", 1)
    other = make_endpoint(endpoint.group, "other")
    shown = preview(operator, open_form(operator, endpoint, other), type_in(now))
    second = operator.post(MAKE, {"state": shown.context["state"], "page": "2"})
    assert [row["name"] for row in second.context["rows"]] == ["site"]
    assert say(second) == []
    make_correction(other, start=now - 2 * HOUR, end=now - HOUR)
    third = operator.post(MAKE, {"state": second.context["state"], "page": "1"})
    assert say(third) == ["Something was corrected while you looked at the pages: look them over again."]


def test_history_that_takes_too_long_is_not_measured_and_still_corrected(
    operator: Client, endpoint: Endpoint, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foresee, "MAX_STEPS", 2)
    shown = preview(operator, open_form(operator, endpoint), type_in(now))
    assert "So much has changed in these 90 days" in unescape(shown.content.decode())
    assert say(press(operator, shown)) == ["1 endpoint was corrected."]


@pytest.mark.parametrize("count", [1, 3])
def test_preview_of_many_takes_as_many_queries_as_of_few(
    operator: Client,
    endpoint: Endpoint,
    now: datetime,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    others = [make_endpoint(endpoint.group, str(number)) for number in range(count)]
    for each in others:
        make_correction(each, start=now - 2 * HOUR, end=now, effect=CorrectionEffect.MAINTENANCE)
    form = open_form(operator, endpoint, *others)
    with django_assert_num_queries(PREVIEW_QUERIES):
        preview(operator, form, type_in(now))
