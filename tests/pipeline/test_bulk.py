"""Rows that travel as one document come back as Django's own backend would have stored them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from healthcheck.engine.types import State
from healthcheck.models import CheckResult, EndpointGroup, EndpointState, Evidence, Tick, Transition
from healthcheck.pipeline.bulk import insert_rows
from tests.factories import NOW, make_endpoint, make_location, make_tick

pytestmark = [pytest.mark.django_db, pytest.mark.database]

# A bare verdict is a judgement: it stands in the lowest bits.
RESULT = ("endpoint_id", "run_id", "judgement")
KEY = ("endpoint_id", "run_id")


def store_results(*rows: tuple[int, int, State], **options: Any) -> None:
    # What the table has no default for in the database, insert_rows must be given.
    micros = ("latency_us", "resolve_us", "connect_us", "tls_us", "headers_us", "body_us")
    zeros = (*micros, "http_status")
    insert_rows(CheckResult, (*RESULT, *zeros), [(*row, *[0] * len(zeros)) for row in rows], **options)


def read_results() -> list[tuple[int, int, int]]:
    return list(CheckResult.objects.order_by("endpoint_id", "run_id").values_list("endpoint_id", "run_id", "judgement"))


@pytest.mark.parametrize(
    "instant",
    [
        NOW,
        NOW + timedelta(microseconds=1),
        NOW.replace(microsecond=120_000),
        NOW.astimezone(timezone(timedelta(hours=5, minutes=45))),
        datetime(2038, 1, 19, 3, 14, 8, 999_999, tzinfo=UTC),
    ],
)
def test_instants_come_back_equal_and_are_found_by_comparison(instant: datetime) -> None:
    insert_rows(Tick, ("node", "at"), [("a", instant)])
    assert Tick.objects.get().at == instant
    assert Tick.objects.get(at=instant).node == "a"
    assert not Tick.objects.filter(at__lt=instant).exists()
    assert not Tick.objects.filter(at__gt=instant).exists()


def test_instants_sort_among_those_that_django_stored() -> None:
    make_tick(node="b", at=NOW)
    rows = [("a", NOW - timedelta(microseconds=1)), ("c", NOW + timedelta(microseconds=1))]
    insert_rows(Tick, ("node", "at"), rows)
    assert list(Tick.objects.order_by("at").values_list("node", flat=True)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "text",
    ["", "plain", 'it\'s "quoted"', "back\\slash", "%s {} $.a", "日本語 🚑", "null", "true", "1", "a\nb\tc", "</x>"],
)
def test_texts_come_back_as_they_were(text: str) -> None:
    insert_rows(Tick, ("node", "at"), [(text, NOW)])
    assert Tick.objects.get().node == text


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"found": 'it\'s "500"', "redirects": ["a", "b"]},
        {"certificate": {"subject": "日本語", "n": 3}, "none": None, "yes": True, "part": 0.5},
        [],
        ["a", {"b": 1}],
    ],
)
def test_json_comes_back_as_it_was(facts: Any) -> None:
    insert_rows(Evidence, ("endpoint_id", "run_id", "facts"), [(1, 2, facts)])
    assert Evidence.objects.get().facts == facts


def test_every_kind_of_column_of_a_state_comes_back() -> None:
    endpoint, location = make_endpoint(), make_location()
    expected: dict[str, Any] = {
        "endpoint_id": endpoint.pk,
        "location_id": location.pk,
        "state": State.DOWN,
        "since": NOW,
        "known_state": State.DOWN,
        "candidate": State.UNKNOWN,
        "candidate_streak": 0,
        "candidate_at": None,
        "last_run_id": 2**40,
        "next_slot_at": None,
        "last_observed_at": NOW,
        "last_verdict": State.DOWN,
        "last_error_kind": 14,
        "last_phase": 7,
        "last_latency_us": 2**31 - 1,
        "last_http_status": 999,
        "evidence_at": None,
        "valid_until": NOW,
        "strip": "0123" * 15,
    }
    insert_rows(EndpointState, tuple(expected), [tuple(expected.values())])
    stored: dict[str, Any] = {**EndpointState.objects.values().get()}
    assert {key: stored[key] for key in expected} == expected


def test_rows_get_ids_of_their_own() -> None:
    columns = ("endpoint_id", "location_id", "from_state", "to_state", "at", "confirmed_at", "error_kind")
    row = (1, make_location().pk, State.UP, State.DOWN, NOW, NOW, 0)
    insert_rows(Transition, columns, [row, row])
    assert len(set(Transition.objects.values_list("pk", flat=True))) == 2


def test_conflict_without_update_keeps_the_row_that_is_there() -> None:
    store_results((1, 1, State.UP))
    store_results((1, 1, State.DOWN), (1, 2, State.DOWN), conflict=KEY)
    assert read_results() == [(1, 1, State.UP), (1, 2, State.DOWN)]


def test_conflict_with_update_overwrites_the_named_columns_only() -> None:
    make_tick(node="a", at=NOW)
    later = NOW + timedelta(seconds=1)
    insert_rows(Tick, ("node", "at"), [("a", later), ("b", later)], conflict=("node",), update=("at",))
    assert list(Tick.objects.order_by("node").values_list("node", "at")) == [("a", later), ("b", later)]
    store_results((1, 1, State.UP))
    CheckResult.objects.update(latency_us=7)
    store_results((1, 1, State.DOWN), conflict=KEY, update=("judgement",))
    assert list(CheckResult.objects.values_list("judgement", "latency_us")) == [(State.DOWN, 7)]


def test_conflict_that_was_not_expected_is_an_error_and_stores_nothing() -> None:
    store_results((1, 2, State.UP))
    with pytest.raises(IntegrityError), transaction.atomic():
        store_results((1, 1, State.UP), (1, 2, State.UP))
    assert read_results() == [(1, 2, State.UP)]


@pytest.mark.parametrize("rows", [1, 1000])
def test_any_number_of_rows_is_one_statement(rows: int) -> None:
    with CaptureQueriesContext(connection) as queries:
        store_results(*((endpoint, 1, State.UP) for endpoint in range(rows)), conflict=KEY, update=("judgement",))
    assert len(queries) == 1
    assert read_results() == [(endpoint, 1, State.UP) for endpoint in range(rows)]


def test_no_rows_store_nothing() -> None:
    store_results()
    assert read_results() == []


def test_row_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        insert_rows(Tick, ("node", "at"), [("a",)])


def test_values_are_never_part_of_the_statement() -> None:
    hostile = "'; DROP TABLE healthcheck_tick; --"
    insert_rows(Tick, ("node", "at"), [(hostile, NOW)])
    assert Tick.objects.get().node == hostile
    assert EndpointGroup.objects.count() == 0
