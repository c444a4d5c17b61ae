"""Histories: pages by run id, one run with its results, check now, and evidence that stays text."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from healthcheck.admin.history import PAGE_SIZE, Cursor, page_history
from healthcheck.engine.types import State
from healthcheck.models import CheckResult, CheckRun, Endpoint, EndpointGroup, Reason, RunStatus, Trigger
from healthcheck.models.result import Judgement
from tests.factories import NOW, make_endpoint, make_evidence, make_group, make_result, make_run

pytestmark = pytest.mark.django_db

GROUPS = "/admin/healthcheck/endpointgroup/"
ENDPOINTS = "/admin/healthcheck/endpoint/"


def store_runs(endpoint: Endpoint, count: int) -> list[CheckRun]:
    """Store so many runs, oldest first, each with a failure and its evidence."""
    runs = [make_run(endpoint.group, at=NOW + timedelta(minutes=number), down_count=1) for number in range(count)]
    for run in runs:
        make_result(run, endpoint, State.DOWN)
        make_evidence(run, endpoint)
    return runs


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [("", "", Cursor()), ("12", "", Cursor(before=12)), ("", "7", Cursor(after=7)), ("x", "9" * 19, Cursor())],
)
def test_cursor_reads_numbers_only(before: str, after: str, expected: Cursor) -> None:
    assert Cursor.parse(before, after) == expected


def test_pages_follow_each_other_without_gap_or_overlap() -> None:
    group = make_group()
    ids = [make_run(group, at=NOW + timedelta(minutes=number)).pk for number in range(2 * PAGE_SIZE + 1)][::-1]
    rows = CheckRun.objects.filter(group=group)
    first = page_history(rows, "id", Cursor())
    second = page_history(rows, "id", Cursor(before=first.older))
    third = page_history(rows, "id", Cursor(before=second.older))
    pages = [first, second, third]
    assert [run.pk for page in pages for run in page.rows] == ids
    assert (first.newer, third.older) == (None, None)
    assert page_history(rows, "id", Cursor(after=third.newer)).rows == second.rows
    back = page_history(rows, "id", Cursor(after=second.newer))
    assert (back.rows, back.newer) == (first.rows, None)


def test_page_beyond_the_end_is_empty() -> None:
    run = make_run(make_group())
    page = page_history(CheckRun.objects.all(), "id", Cursor(before=run.pk))
    assert (page.rows, page.older, page.newer) == ([], None, None)


@pytest.mark.parametrize("count", [1, 30])
def test_run_history_costs_the_same_for_one_and_thirty_runs(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    endpoint = make_endpoint()
    store_runs(endpoint, count)
    with django_assert_num_queries(4):
        page = operator.get(f"{GROUPS}{endpoint.group_id}/runs/").content.decode()
    assert page.count("1 down") == count


@pytest.mark.parametrize("count", [1, 30])
def test_result_history_costs_the_same_for_one_and_thirty_results(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    endpoint = make_endpoint()
    store_runs(endpoint, count)
    with django_assert_num_queries(7):
        page = operator.get(f"{ENDPOINTS}{endpoint.pk}/results/").content.decode()
    assert page.count("<summary>Evidence</summary>") == count


@pytest.mark.parametrize("count", [1, 30])
def test_run_page_costs_the_same_for_one_and_thirty_endpoints(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    group = make_group()
    run = make_run(group)
    for number in range(count):
        make_result(run, make_endpoint(group, f"endpoint-{number}"), State.DOWN)
    with django_assert_num_queries(8):
        page = operator.get(f"{GROUPS}runs/{run.pk}/").content.decode()
    assert page.count("It answered with an unexpected status.") == count


def test_run_page_tells_all_of_a_run_in_the_order_of_the_endpoints(operator: Client) -> None:
    group = make_group()
    last, first = make_endpoint(group, "last", position=2), make_endpoint(group, "first", position=1)
    gone = make_endpoint(group, "gone", position=3, deleted_at=NOW)
    run = make_run(group, wall_us=3_001_000, work_us=6_002_000, up_count=2, down_count=1)
    make_result(run, last)
    make_result(run, first, State.DOWN, resolve_us=500, connect_us=1_500)
    make_result(run, gone)
    page = operator.get(f"{GROUPS}runs/{run.pk}/").content.decode()
    assert page.index(">first<") < page.index(">last<") < page.index("gone <span")
    for words in (
        "3001 ms",
        "one by one: 6002 ms",
        "finished",
        "0.0 ms late",
        "look up the name&nbsp;0.5 ms · connect&nbsp;1.5 ms",
    ):
        assert words in page
    assert 'http-equiv="refresh"' not in page


def test_run_page_refreshes_itself_only_until_the_run_has_ended(operator: Client) -> None:
    run = make_run(make_group(), status=RunStatus.RUNNING)
    assert '<meta http-equiv="refresh" content="1">' in operator.get(f"{GROUPS}runs/{run.pk}/").content.decode()
    CheckRun.objects.update(status=RunStatus.MISSED, reason=Reason.QUEUE)
    page = operator.get(f"{GROUPS}runs/{run.pk}/").content.decode()
    assert "http-equiv" not in page
    assert "missed: no worker took it in time" in page


def test_run_page_of_a_pruned_run_is_not_found(operator: Client) -> None:
    assert operator.get(f"{GROUPS}runs/12345/").status_code == 404


def test_evidence_is_shown_as_text(operator: Client) -> None:
    endpoint = make_endpoint()
    run = make_run(endpoint.group)
    make_result(run, endpoint, State.DOWN)
    make_evidence(
        run,
        endpoint,
        excerpt="<script>alert(1)</script>",
        found="<img onerror=x>",
        redirects=["http://127.0.0.1/<b>"],
        certificate={"subject": "<i>CN</i>", "not_after": "2026-01-01T00:00:00+00:00"},
    )
    for url in (f"{ENDPOINTS}{endpoint.pk}/results/", f"{GROUPS}runs/{run.pk}/"):
        page = operator.get(url).content.decode()
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "&lt;i&gt;CN&lt;/i&gt;\nnot after: 2026-01-01T00:00:00+00:00" in page
        for hostile in ("<script>alert", "<img onerror", "<b>", "<i>CN"):
            assert hostile not in page


def test_result_of_a_pruned_run_is_still_shown(operator: Client) -> None:
    endpoint = make_endpoint()
    CheckResult.objects.create(run_id=77, endpoint_id=endpoint.pk, judgement=Judgement(State.UP).pack())
    assert "run 77" in operator.get(f"{ENDPOINTS}{endpoint.pk}/results/").content.decode()


def test_histories_never_count(operator: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    endpoint = make_endpoint()
    [run] = store_runs(endpoint, 1)
    urls = (f"{GROUPS}{endpoint.group_id}/runs/?before={run.pk + 1}", f"{ENDPOINTS}{endpoint.pk}/results/?after=0")
    for url, queries in zip(urls, (4, 7), strict=True):
        with django_assert_num_queries(queries) as captured:
            operator.get(url)
        assert not [query["sql"] for query in captured if "COUNT(" in query["sql"]]


def test_check_now_leads_to_its_run(operator: Client) -> None:
    group = make_group()
    response = operator.post(f"{GROUPS}{group.pk}/check-now/")
    run = CheckRun.objects.get()
    assert (run.group_id, run.trigger, run.status) == (group.pk, Trigger.MANUAL, RunStatus.QUEUED)
    assert response["Location"] == f"{GROUPS}runs/{run.pk}/"


def test_check_now_joins_a_run_that_is_under_way(operator: Client) -> None:
    group = make_group()
    run = make_run(group, status=RunStatus.RUNNING)
    assert operator.post(f"{GROUPS}{group.pk}/check-now/")["Location"] == f"{GROUPS}runs/{run.pk}/"


def test_check_now_works_on_several_groups(operator: Client) -> None:
    groups = [make_group("first"), make_group("second")]
    fields = {"action": "check_selected", "_selected_action": [group.pk for group in groups]}
    assert "2 groups are being checked." in operator.post(GROUPS, fields, follow=True).content.decode()
    assert CheckRun.objects.filter(trigger=Trigger.MANUAL).count() == EndpointGroup.objects.count() == 2


def test_check_now_without_a_broker_is_sent_by_the_next_sweep(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(current_app.conf, "broker_url", "redis://127.0.0.1:1/0")
    group = make_group()
    page = operator.post(f"{GROUPS}{group.pk}/check-now/", follow=True).content.decode()
    assert "The check starts once it is back." in page
    assert CheckRun.objects.get().published_at is None


def test_list_of_results_says_what_the_explanation_says(operator: Client) -> None:
    endpoint = make_endpoint()
    run = make_run(endpoint.group)
    make_result(run, endpoint, State.DOWN, headers_us=4_000, error_kind=1, phase=5)
    part = {"name": "127.0.0.2", "verdict": "down", "error_kind": "timeout", "phase": "headers", "latency_ms": 4.0}
    make_evidence(run, endpoint, redirects=["http://127.0.0.1/elsewhere"], parts=[part])
    pages = [f"{ENDPOINTS}{endpoint.pk}/results/", f"{ENDPOINTS}{endpoint.pk}/results/{run.pk}/"]
    for page in [operator.get(url).content.decode() for url in pages]:
        for words in ("It did not answer in time.", "timeout in headers", "wait for the answer", "Redirected to"):
            assert words in page
        assert page.count("<h1") == 1
    assert "127.0.0.2: down, timeout in headers, 4.0 ms" in operator.get(f"{ENDPOINTS}{endpoint.pk}/results/").text


def test_assertion_holds_or_does_not(operator: Client) -> None:
    endpoint = make_endpoint()
    run = make_run(endpoint.group)
    make_result(run, endpoint, State.DOWN)
    outcomes = [{"text": "status 200", "held": False, "verdict": "degraded"}, {"text": "body", "held": True}]
    make_evidence(run, endpoint, assertions=outcomes)
    page = operator.get(f"{ENDPOINTS}{endpoint.pk}/results/{run.pk}/").content.decode()
    assert 'hc-degraded"><span aria-hidden="true">▲</span> does not hold<' in page
    assert 'hc-up"><span aria-hidden="true">●</span> holds<' in page
