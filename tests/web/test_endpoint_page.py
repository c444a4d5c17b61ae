"""The page of one endpoint over HTTP."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import CheckResult, CheckRun, Endpoint, PageItem, PageSection, RunStatus, Trigger
from healthcheck.models.result import Judgement
from healthcheck.web.answers import ANSWERS
from healthcheck.web.history import MAX_CHANGES
from healthcheck.web.window import MAX_SAMPLES
from tests.factories import (
    make_endpoint,
    make_evidence,
    make_group,
    make_location,
    make_page,
    make_result,
    make_run,
    make_state,
    make_tick,
    make_transition,
)
from tests.web.scenes import HOSTILE_NAME
from tests.web.test_status_page import NOW_QUERIES

pytestmark = pytest.mark.django_db

# What the page itself costs without incidents, and: results, the endpoint's locations, the changes of its one location,
# corrections; hours, days, states, what was laid over them, changes since the last roll-up.
OWN_QUERIES = NOW_QUERIES - 1 + 4 + 5
MINUTE = timedelta(minutes=1)


@pytest.fixture
def endpoint() -> Endpoint:
    now = timezone.now()
    make_page()
    make_tick(at=now)
    return make_endpoint(make_group(name="Payments", next_run_at=now + MINUTE), "Checkout")


def check(endpoint: Endpoint, ago: timedelta, verdict: State = State.UP, **columns: Any) -> None:
    make_result(make_run(endpoint.group, at=timezone.now() - ago), endpoint, verdict, **columns)


def show(client: Client, endpoint: Endpoint) -> str:
    ANSWERS.forget()
    response = client.get(f"/status/status/{endpoint.pk}/")
    assert response.status_code == 200
    return str(response.content.decode())


def read(client: Client, endpoint: Endpoint) -> Any:
    ANSWERS.forget()
    return client.get(f"/status/status/{endpoint.pk}.json").json()


def test_page_says_what_is_wrong_and_what_came_before(client: Client, endpoint: Endpoint) -> None:
    now = timezone.now()
    make_state(endpoint, State.DOWN, now=now, since=now - 11 * MINUTE, last_error_kind=ErrorKind.TIMEOUT)
    down = {"from_state": State.UP, "to_state": State.DOWN, "error_kind": ErrorKind.TIMEOUT}
    make_transition(endpoint, at=now - 60 * MINUTE, **down)
    make_transition(endpoint, at=now - 50 * MINUTE, from_state=State.DOWN, to_state=State.UP)
    make_transition(endpoint, at=now - 11 * MINUTE, **down)
    text = show(client, endpoint)
    assert "<title>Checkout: Down · Status</title>" in text
    assert '<p class="hc-verdict-detail">It did not answer in time.</p>' in text
    assert "(11 minutes ago)" in text
    assert '<strong class="hc-change-state">Up</strong> <span class="hc-quiet">for 39 minutes</span>' in text
    assert '<strong class="hc-change-state">Down</strong> <span class="hc-quiet">for 10 minutes</span>' in text
    assert [change["state"] for change in read(client, endpoint)["changes"]] == ["down", "up", "down"]


def test_page_shows_how_long_answers_took(client: Client, endpoint: Endpoint) -> None:
    make_state(endpoint, now=timezone.now())
    for number, spent in enumerate([10_000, 20_000, 30_000]):
        check(endpoint, number * MINUTE, latency_us=spent, tls_us=spent // 2, headers_us=spent // 2)
    check(endpoint, 3 * MINUTE, State.DOWN, latency_us=9_000_000, error_kind=ErrorKind.TIMEOUT)
    text = show(client, endpoint)
    assert "Half of the answers took at most 20 ms, 95% at most 30 ms, 99% at most 30 ms." in text
    assert "1 of 4 checks failed." in text
    assert "of every single answer in the window: the newest 4 checks, 4 minutes together." in text
    assert "<td>1</td><td>0</td><td>0.0 ms</td><td>0.0 ms</td><td>10 ms</td><td>10 ms</td>" in text
    window = read(client, endpoint)["window"]
    assert window["percentiles_ms"] == {"50": 20.0, "95": 30.0, "99": 30.0}
    assert [column["latency_ms"] for column in window["columns"]] == [None, 30.0, 20.0, 10.0]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "The percentiles are those of the newest check, the only one in the window."),
        ("de", "Die Perzentile sind die der neuesten Prüfung, der einzigen im Fenster."),
    ],
)
def test_caption_of_one_check_is_singular(client: Client, endpoint: Endpoint, language: str, words: str) -> None:
    check(endpoint, MINUTE)
    text = client.get(f"/status/status/{endpoint.pk}/", headers={"accept-language": language}).content.decode()
    assert words in text


def test_endpoint_that_never_answered_has_no_scale(client: Client, endpoint: Endpoint) -> None:
    check(endpoint, MINUTE, State.DOWN, error_kind=ErrorKind.REFUSED)
    text = show(client, endpoint)
    assert "No check was answered. 1 of 1 check failed." in text
    assert "hc-mark-failed" in text
    for absent in ("hc-chart-scale", "hc-chart-plot", "hc-chart-key", "Each bar is"):
        assert absent not in text


def test_page_never_shows_what_is_for_staff(client: Client, endpoint: Endpoint) -> None:
    canary = "canary.example"
    Endpoint.objects.filter(pk=endpoint.pk).update(address=f"https://u:p@{canary}/", description=canary)
    now = timezone.now()
    make_state(endpoint, State.DOWN, now=now, last_error_kind=ErrorKind.STATUS, last_http_status=418)
    run = make_run(endpoint.group, at=now)
    make_result(run, endpoint, State.DOWN, http_status=418)
    make_evidence(run, endpoint, expected=canary, found=canary, address=canary)
    make_endpoint(endpoint.group, f"{canary} neighbour")
    for text in (show(client, endpoint), str(read(client, endpoint))):
        assert "It answered with an unexpected status." in text
        assert canary not in text
        # Any three digits may stand in the fraction of a second.
        assert "418" not in re.sub(r"\.\d{6}", "", text)


def test_never_checked_endpoint_has_a_page_that_says_so(client: Client, endpoint: Endpoint) -> None:
    text = show(client, endpoint)
    assert "Not checked yet" in text
    assert "No checks in the last 24 hours." in text
    assert "No changes yet." in text
    assert "<table" not in text
    assert read(client, endpoint)["window"]["percentiles_ms"] is None


def test_paused_endpoint_says_so_beside_its_state(client: Client, endpoint: Endpoint) -> None:
    make_state(endpoint, now=timezone.now())
    Endpoint.objects.update(is_paused=True)
    text = show(client, endpoint)
    assert "</svg>Paused</span></p>" in text
    assert 'id="hc-verdict-sentence">Up</h2>' in text


def test_checker_that_is_behind_is_said_on_this_page_too(client: Client, endpoint: Endpoint) -> None:
    make_state(endpoint, now=timezone.now())
    make_tick(at=timezone.now() - 7 * MINUTE)
    assert "The checker is behind: what follows may be out of date" in show(client, endpoint)
    assert read(client, endpoint)["checker"] == {"is_behind": True}


def test_endpoint_is_called_what_the_page_calls_it(client: Client, endpoint: Endpoint) -> None:
    section = PageSection.objects.create(page=make_page(), title="Public")
    PageItem.objects.create(section=section, endpoint=endpoint, label="Paying")
    text = show(client, endpoint)
    assert '<h1 class="hc-title"><bdi>Paying</bdi></h1>' in text
    assert "Checkout" not in text
    assert "Payments" not in text


def test_hostile_name_is_escaped(client: Client, endpoint: Endpoint) -> None:
    Endpoint.objects.update(name=HOSTILE_NAME[:200])
    text = show(client, endpoint)
    assert "<script>alert" not in text
    assert "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert text.count("<bdi>") == text.count("</bdi>")


@pytest.mark.parametrize("suffix", ["/", ".json"])
def test_endpoint_that_is_not_on_the_page_is_not_found(client: Client, endpoint: Endpoint, suffix: str) -> None:
    other = make_endpoint(make_group("other"), "other")
    gone = make_endpoint(endpoint.group, "gone", deleted_at=timezone.now())
    make_page("status", shows_all_groups=False).groups.add(endpoint.group)
    for pk in (other.pk, gone.pk, 2**31, 10**30):
        assert client.get(f"/status/status/{pk}{suffix}").status_code == 404
    assert client.get(f"/status/status/{endpoint.pk}{suffix}").status_code == 200
    assert client.get(f"/status/nowhere/{endpoint.pk}{suffix}").status_code == 404


@pytest.mark.parametrize("count", [1, 3, MAX_SAMPLES + 100])
def test_page_costs_the_same_queries_however_long_the_history(
    client: Client, endpoint: Endpoint, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    now = timezone.now()
    make_state(endpoint, now=now)
    _store_history(endpoint, count)
    for number in range(min(count, 100)):
        make_transition(endpoint, at=now - number * MINUTE)
    with django_assert_num_queries(OWN_QUERIES + 1):
        client.get(f"/status/status/{endpoint.pk}/")
    with django_assert_num_queries(OWN_QUERIES):
        facts = client.get(f"/status/status/{endpoint.pk}.json").json()
    assert facts["window"]["count"] == min(count, MAX_SAMPLES)
    assert len(facts["changes"]) == min(count, MAX_CHANGES)


def test_results_whose_run_is_pruned_are_left_out(client: Client, endpoint: Endpoint) -> None:
    check(endpoint, MINUTE)
    check(endpoint, 2 * MINUTE)
    CheckRun.objects.order_by("pk")[0].delete()
    assert read(client, endpoint)["window"]["count"] == 1


def test_changes_of_every_location_are_told_in_one_order(client: Client, endpoint: Endpoint) -> None:
    now = timezone.now()
    for place, (slug, ago) in enumerate([("default", 3), ("tokyo", 2), ("default", 1)]):
        location = make_location(slug)
        if place < 2:
            make_state(endpoint, now=now, location=location)
        make_transition(endpoint, at=now - ago * MINUTE, location=location)
    changes = read(client, endpoint)["changes"]
    assert [change["until"] is None for change in changes] == [True, True, False]
    assert changes == sorted(changes, key=lambda change: change["at"], reverse=True)


def _store_history(endpoint: Endpoint, count: int) -> None:
    now, location = timezone.now(), make_location()
    runs = CheckRun.objects.bulk_create(
        CheckRun(
            group=endpoint.group,
            location=location,
            trigger=Trigger.SCHEDULED,
            status=RunStatus.FINISHED,
            scheduled_for=now - number * timedelta(seconds=30),
            open_until=now,
            valid_until=now,
        )
        for number in range(count)
    )
    packed = Judgement(State.UP).pack()
    CheckResult.objects.bulk_create(
        CheckResult(run_id=run.pk, endpoint_id=endpoint.pk, judgement=packed, latency_us=1000) for run in runs
    )


def test_what_is_judged_by_others_has_a_state_and_no_response_time(client: Client, endpoint: Endpoint) -> None:
    Endpoint.objects.update(kind="group", address="")
    now = timezone.now()
    columns = {"last_verdict": State.DOWN, "last_error_kind": ErrorKind.MEMBERS, "last_latency_us": 0}
    make_state(endpoint, State.DOWN, now=now, **columns)
    check(endpoint, MINUTE, State.DOWN, error_kind=ErrorKind.MEMBERS, phase=0, attempts=0, latency_us=0, http_status=0)
    page = show(client, endpoint)
    assert "Endpoints that it consists of are not up." in page
    assert ("hc-chart-plot" in page, "No check was answered" in page) == (False, False)
    check(endpoint, MINUTE * 2)
    assert "hc-chart-plot" in show(client, endpoint)
