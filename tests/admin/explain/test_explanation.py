"""Why is it down: one stored result explained, whatever of it is left, however hostile the target was."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.html import strip_tags
from pytest_django import DjangoAssertNumQueries

from healthcheck.admin.explain.neighbours import MAX_LOOKED_AT, NEIGHBOURS_PER_PAGE
from healthcheck.engine.types import ErrorKind, Phase, State
from healthcheck.models import CheckResult, CheckRun, Endpoint, Evidence, RunStatus, Version, VersionAction
from healthcheck.models.result import Judgement
from tests.admin.conftest import CLOCK_QUERIES
from tests.factories import (
    NOW,
    make_assertion,
    make_endpoint,
    make_evidence,
    make_group,
    make_result,
    make_run,
    make_state,
    make_transition,
)

pytestmark = pytest.mark.django_db

ROOT = "/admin/healthcheck/endpoint/"
HOSTILE = "<script>alert(1)</script>"


def result_url(endpoint: Endpoint, run: CheckRun) -> str:
    return f"{ROOT}{endpoint.pk}/results/{run.pk}/"


def read(client: Client, endpoint: Endpoint, run: CheckRun) -> str:
    return client.get(result_url(endpoint, run)).content.decode()


def store_failure(**facts: Any) -> tuple[Endpoint, CheckRun]:
    """Store an endpoint that failed twice in a row, and is down since the first time."""
    endpoint = make_endpoint(make_group())
    for minute, verdict in enumerate((State.UP, State.DOWN, State.DOWN)):
        run = make_run(endpoint.group, at=NOW + timedelta(minutes=minute))
        make_result(run, endpoint, verdict)
    make_evidence(run, endpoint, **facts)
    first_at = NOW + timedelta(minutes=1, milliseconds=200)
    make_transition(endpoint, at=first_at, confirmed_at=NOW + timedelta(minutes=2, milliseconds=200))
    return endpoint, run


def store_version(endpoint: Endpoint, number: int, *, minutes: int, **definition: Any) -> None:
    Version.objects.create(
        kind="endpoint",
        object_id=endpoint.pk,
        number=number,
        at=NOW + timedelta(minutes=minutes),
        action=VersionAction.CHANGED,
        definition=definition,
    )


def test_answer_to_why_comes_first(operator: Client) -> None:
    endpoint, run = store_failure(expected="status 200", found="status 500", address="192.0.2.7")
    page = read(operator, endpoint, run)
    told = [
        "It answered with an unexpected status.",
        "Expected status 200, found status 500.",
        "Failed 2 of 2 in a row, so it is down since 1 Jul 2026, 12:01:00 UTC.",
        "The fault lies with the target or on the way to it.",
        "192.0.2.7",
    ]
    places = [page.index(words) for words in told]
    assert places == sorted(places)


def test_result_that_did_not_reach_the_threshold_says_what_it_left(operator: Client) -> None:
    endpoint, run = store_failure()
    make_transition(endpoint, at=NOW, from_state=State.UNKNOWN, to_state=State.UP)
    first = CheckRun.objects.filter(pk__lt=run.pk).latest("pk")
    page = read(operator, endpoint, first)
    assert "Failed 1 of 2 in a row, so it stayed up, as since 1 Jul 2026, 12:00:00 UTC." in page


def test_assertions_are_shown_with_what_was_found(operator: Client) -> None:
    outcomes = [
        {"text": "status 200", "expected": "status 200", "found": "status 200", "verdict": "up", "held": True},
        {"text": 'body contains "ok"', "expected": "", "found": "not in the body", "verdict": "down", "held": False},
    ]
    endpoint, run = store_failure(assertions=outcomes)
    response = operator.get(result_url(endpoint, run))
    shown = response.context["explained"].answer.assertions
    assert '<th scope="col">Found</th>' in response.content.decode()
    assert [(each.expected, each.found, each.held) for each in shown] == [
        ("status 200", "status 200", True),
        ('body contains "ok"', "not in the body", False),
    ]


@pytest.mark.parametrize("verdict", ["down", "degraded"])
def test_row_that_fails_is_coloured_as_its_verdict(operator: Client, verdict: str) -> None:
    endpoint, run = store_failure(assertions=[{"text": "status 200", "held": False, "verdict": verdict}])
    assert f'<tr class="hc-failed hc-failed-{verdict}">' in read(operator, endpoint, run)


def test_result_that_is_up_lists_the_assertions_that_held(operator: Client) -> None:
    endpoint = make_endpoint()
    make_assertion(endpoint, "latency < 800ms")
    run = make_run(endpoint.group)
    make_result(run, endpoint)
    response = operator.get(result_url(endpoint, run))
    [shown] = response.context["explained"].answer.assertions
    assert (shown.expected, shown.held) == ("latency < 800ms", True)
    page = response.content.decode()
    assert "It answered as expected." in page
    # Nothing is kept of what held.
    assert '<th scope="col">Found</th>' not in page
    assert "not kept" not in page


def test_definition_of_then_is_shown_where_versions_tell_it(operator: Client) -> None:
    endpoint = make_endpoint()
    make_assertion(endpoint, "status 204")
    run = make_run(endpoint.group)
    make_result(run, endpoint)
    store_version(endpoint, 1, minutes=-5, assertions=["status 200"], failure_threshold=3)
    store_version(endpoint, 2, minutes=5, assertions=["status 204"], failure_threshold=2)
    response = operator.get(result_url(endpoint, run))
    assert [each.expected for each in response.context["explained"].answer.assertions] == ["status 200"]
    assert "The endpoint was changed 1 time since this result." in response.content.decode()


@pytest.mark.parametrize("count", [1, 30])
def test_page_costs_the_same_for_one_and_thirty_endpoints(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    endpoint, run = store_failure()
    for number in range(count - 1):
        other = make_endpoint(endpoint.group, f"other-{number}")
        make_result(run, other, State.DOWN)
        make_evidence(run, other, address="192.0.2.1")
    with django_assert_num_queries(14 + CLOCK_QUERIES):
        page = read(operator, endpoint, run)
    assert page.count(">status in headers</td>") == count


def test_neighbours_that_failed_come_first(operator: Client) -> None:
    group = make_group()
    run = make_run(group)
    verdicts = {"fine": State.UP, "blind": State.UNKNOWN, "slow": State.DEGRADED, "gone": State.DOWN}
    endpoints = {name: make_endpoint(group, name) for name in verdicts}
    for name, verdict in verdicts.items():
        make_result(run, endpoints[name], verdict)
    response = operator.get(result_url(endpoints["fine"], run))
    names = [each.endpoint.name for each in response.context["explained"].neighbourhood.rows]
    assert names == ["gone", "slow", "blind", "fine"]
    assert result_url(endpoints["gone"], run) in response.content.decode()


def test_neighbours_are_paged(operator: Client) -> None:
    group = make_group()
    run = make_run(group)
    endpoints = [make_endpoint(group, f"endpoint-{number}") for number in range(NEIGHBOURS_PER_PAGE + 1)]
    for endpoint in endpoints:
        make_result(run, endpoint)
    url = result_url(endpoints[0], run)
    first = operator.get(url).context["explained"].neighbourhood
    assert (len(first.rows), first.previous, first.following) == (NEIGHBOURS_PER_PAGE, None, 2)
    second = operator.get(url, {"page": "2"}).context["explained"].neighbourhood
    assert ([each.endpoint.pk for each in second.rows], second.previous, second.following) == (
        [endpoints[-1].pk],
        1,
        None,
    )
    for nonsense in ("0", "-1", "x", "9" * 30):
        assert operator.get(url, {"page": nonsense}).status_code == 200


def test_only_the_first_endpoints_of_a_huge_group_are_compared(operator: Client) -> None:
    group = make_group()
    run = make_run(group)
    names = [f"endpoint-{number}" for number in range(MAX_LOOKED_AT + 1)]
    endpoints = Endpoint.objects.bulk_create(Endpoint(group=group, name=name, address="http://x/") for name in names)
    packed = Judgement(State.UP).pack()
    rows = (CheckResult(endpoint_id=endpoint.pk, run_id=run.pk, judgement=packed) for endpoint in endpoints)
    CheckResult.objects.bulk_create(rows)
    url = result_url(endpoints[-1], run)
    last = operator.get(url, {"page": str(MAX_LOOKED_AT // NEIGHBOURS_PER_PAGE)}).context["explained"].neighbourhood
    assert (len(last.rows), last.following, last.is_cut) == (NEIGHBOURS_PER_PAGE, None, True)
    assert "only its first 1,000 endpoints are compared here" in operator.get(url).content.decode()


@pytest.mark.parametrize(
    ("addresses", "sentence"),
    [
        (("192.0.2.1", "192.0.2.1"), "2 endpoints of this run failed in the same way (refused in connect), all at the"),
        (("192.0.2.1", "192.0.2.2"), "2 endpoints of this run failed in the same way (refused in connect): look for"),
    ],
)
def test_common_cause_is_named(operator: Client, addresses: tuple[str, str], sentence: str) -> None:
    group = make_group()
    run = make_run(group)
    for number, address in enumerate(addresses):
        endpoint = make_endpoint(group, f"endpoint-{number}")
        make_result(run, endpoint, State.DOWN, error_kind=ErrorKind.REFUSED, phase=Phase.CONNECT, http_status=0)
        make_evidence(run, endpoint, address=address)
    other = make_endpoint(group, "other")
    make_result(run, other, State.DOWN)
    assert sentence in read(operator, endpoint, run)
    assert "failed in the same way" not in read(operator, other, run)


def test_results_before_and_after_are_linked(operator: Client) -> None:
    endpoint = make_endpoint()
    runs = [make_run(endpoint.group, at=NOW + timedelta(minutes=minute)) for minute in range(3)]
    for run in runs:
        make_result(run, endpoint)
    page = read(operator, endpoint, runs[1])
    assert f'<a href="{result_url(endpoint, runs[0])}" rel="prev">' in page
    assert f'<a href="{result_url(endpoint, runs[2])}" rel="next">' in page
    assert 'rel="prev"' not in read(operator, endpoint, runs[0])
    assert 'rel="next"' not in read(operator, endpoint, runs[2])


def test_state_of_now_stands_beside_that_of_then(operator: Client) -> None:
    endpoint, run = store_failure()
    make_state(endpoint, State.UP, now=NOW + timedelta(days=36_500))
    assert 'Now: <span class="hc-state hc-up">' in read(operator, endpoint, run)


def test_everything_that_a_target_says_is_text(operator: Client) -> None:
    certificate = {"subject": HOSTILE, "issuer": HOSTILE, "not_after": HOSTILE, "fingerprint_sha256": HOSTILE}
    endpoint, run = store_failure(
        expected=HOSTILE,
        found=HOSTILE,
        address=HOSTILE,
        excerpt=HOSTILE,
        redirects=[HOSTILE],
        chain=[certificate],
        assertions=[{"text": HOSTILE, "found": HOSTILE, "verdict": HOSTILE, "held": False}],
        parts=[{"name": HOSTILE, "found": HOSTILE, "verdict": HOSTILE, "error_kind": HOSTILE, "latency_ms": HOSTILE}],
    )
    Endpoint.objects.update(name=HOSTILE)
    page = read(operator, endpoint, run)
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 11


def test_parts_are_told_one_by_one(operator: Client) -> None:
    broken = {"name": "127.0.0.2", "verdict": "down", "error_kind": "refused", "phase": "connect", "latency_ms": 1.25}
    endpoint, run = store_failure(parts=[{"name": "127.0.0.1", "verdict": "up", "found": ""}, broken])
    rows = re.findall(r"<tr.*?</tr>", read(operator, endpoint, run).partition(">Parts</h3>")[2], re.DOTALL)
    assert [strip_tags(row).split("\n") for row in rows[1:3]] == [
        ["", "  127.0.0.1", "  ● up", "  –", "  –", "  –", ""],
        ["", "  127.0.0.2", "  ■ down", "  refused in connect", "  1.2 ms", "  –", ""],
    ]
    assert ["hc-failed-down" in row for row in rows[1:3]] == [False, True]


@pytest.mark.parametrize(
    "facts",
    [
        {"assertions": 5, "chain": "x", "redirects": {"a": 1}, "parts": 1},
        {"chain": [1], "found": 7, "parts": [1, {"latency_ms": float("1e300"), "error_kind": 7}, {"verdict": None}]},
    ],
)
def test_evidence_of_another_shape_is_shown_as_far_as_it_goes(operator: Client, facts: dict[str, Any]) -> None:
    endpoint, run = store_failure(**facts)
    assert operator.get(result_url(endpoint, run)).status_code == 200


def test_page_says_what_was_removed_already(operator: Client) -> None:
    endpoint, run = store_failure()
    Evidence.objects.all().delete()
    assert "The evidence of this failure was removed already" in read(operator, endpoint, run)
    CheckRun.objects.all().delete()
    page = read(operator, endpoint, run)
    assert "The run of this result was removed already" in page
    assert "It answered with an unexpected status." in page
    CheckResult.objects.all().delete()
    response = operator.get(result_url(endpoint, run))
    assert (response.status_code, "This result does not exist any more" in response.content.decode()) == (404, True)
    Endpoint.objects.all().delete()
    assert operator.get(result_url(endpoint, run)).status_code == 404


def test_page_of_a_deleted_endpoint_says_so(operator: Client) -> None:
    endpoint, run = store_failure()
    Endpoint.objects.update(deleted_at=NOW)
    page = read(operator, endpoint, run)
    assert "This endpoint was deleted" in page
    assert "Change the endpoint" not in page


def test_page_of_a_paused_and_unreadable_endpoint_says_so(operator: Client) -> None:
    endpoint, run = store_failure()
    Endpoint.objects.update(is_paused=True, options={"nonsense": 1})
    page = read(operator, endpoint, run)
    assert "It is paused now" in page
    assert "Its configuration cannot be read: The kind http has no option “nonsense”; remove it." in page


def test_run_without_a_result_is_waited_for_or_explained(operator: Client) -> None:
    endpoint = make_endpoint()
    run = make_run(endpoint.group, status=RunStatus.RUNNING)
    assert '<meta http-equiv="refresh" content="1">' in read(operator, endpoint, run)
    CheckRun.objects.update(status=RunStatus.MISSED)
    page = read(operator, endpoint, run)
    assert ("http-equiv" in page, "The run has no result of this endpoint." in page) == (False, True)


def test_latest_leads_to_the_newest_result(operator: Client) -> None:
    endpoint, run = store_failure()
    assert operator.get(f"{ROOT}{endpoint.pk}/latest/")["Location"] == result_url(endpoint, run)


def test_viewers_read_explanations_and_others_do_not(viewer: Client, django_user_model: type) -> None:
    endpoint, run = store_failure()
    assert "It answered with an unexpected status." in read(viewer, endpoint, run)
    client = Client()
    client.force_login(django_user_model.objects.create_user("other", is_staff=True))  # type: ignore[attr-defined]
    for url in (result_url(endpoint, run), f"{ROOT}{endpoint.pk}/latest/", f"{ROOT}999/results/1/"):
        assert client.get(url).status_code == 403
        assert Client().get(url)["Location"] == f"/admin/login/?next={url}"


def test_histories_and_lists_lead_to_the_explanation(operator: Client) -> None:
    endpoint, run = store_failure()
    make_state(endpoint, State.DOWN, last_run_id=run.pk)
    link = f'href="{result_url(endpoint, run)}"'
    for url in (f"{ROOT}{endpoint.pk}/results/", f"/admin/healthcheck/endpointgroup/runs/{run.pk}/", ROOT):
        assert link in operator.get(url).content.decode()
