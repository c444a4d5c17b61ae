"""Corrections at a terminal: made, listed and withdrawn, or refused in one sentence with nothing written."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from pytest_django import DjangoAssertNumQueries

from healthcheck.management.commands.correct import MAX_LISTED
from healthcheck.models import Correction, CorrectionEffect, Endpoint, RollupMark
from tests.factories import make_correction, make_endpoint, make_group, make_location
from tests.management.conftest import run_command

pytestmark = [pytest.mark.django_db, pytest.mark.database]

START, END = datetime(2026, 6, 1, 10, tzinfo=UTC), datetime(2026, 6, 1, 11, 30, tzinfo=UTC)
WORDS = {
    "--from": "2026-06-01 10:00+00:00",
    "--until": "2026-06-01 11:30Z",
    "--effect": "false-alarm",
    "--reason": " our\ncable ",
    "--author": "Kim",
}


@pytest.fixture(autouse=True)
def location(db: None) -> None:
    make_location()


def make(*targets: str, **changed: str) -> str:
    words = WORDS | {f"--{name}": value for name, value in changed.items()}
    return run_command("correct", "make", *targets, *(f"{name}={value}" for name, value in words.items()))[1]


def paint() -> tuple[Endpoint, Endpoint]:
    group = make_group("shop")
    make_endpoint(make_group("other"), "elsewhere")
    return make_endpoint(group, "front / page"), make_endpoint(group, "orders")


def test_endpoint_and_group_are_corrected() -> None:
    front, orders = paint()
    assert make("shop/front / page").splitlines()[0] == "Endpoints corrected: 1."
    [row] = Correction.objects.all()
    assert (row.endpoint_id, row.starts_at, row.ends_at) == (front.pk, START, END)
    assert (row.effect, row.reason, row.is_public) == (CorrectionEffect.FALSE_ALARM, "our cable", False)
    assert (row.author_name, row.author_id) == ("Kim", None)
    assert RollupMark.objects.filter(endpoint_id=front.pk).exists()
    # Whoever is named twice is corrected once.
    assert make("shop", "shop/orders").splitlines()[0] == "Endpoints corrected: 2."
    assert list(Correction.objects.filter(endpoint_id=orders.pk).values_list("reason", flat=True)) == ["our cable"]


@pytest.mark.parametrize(
    ("target", "changed", "sentence"),
    [
        ("nowhere", {}, "There is no endpoint “nowhere”; write a group's slug, or “slug/name”."),
        ("shop/gone", {}, "There is no endpoint “shop/gone”; write a group's slug, or “slug/name”."),
        ("shop", {"from": "yesterday"}, "Write the time as 2026-07-01 14:05, with an offset behind it"),
        ("shop", {"until": "2026-06-01 09:00Z"}, "A correction must end after it starts; set a later end."),
        ("shop", {"until": "2126-06-01 09:00Z"}, "It ends in the future; end it now at the latest"),
        ("shop", {"reason": " "}, "Give a reason: whoever reads the history will ask for it."),
        ("shop", {"author": " "}, "Say who corrects it, as in --author Kim."),
    ],
)
def test_refusal_names_the_cure_and_writes_nothing(target: str, changed: dict[str, str], sentence: str) -> None:
    front, _orders = paint()
    make_endpoint(front.group, "gone", deleted_at=END)
    with pytest.raises(CommandError) as refused:
        make(target, **changed)
    assert str(refused.value).startswith(sentence)
    assert refused.value.returncode == 2
    assert not Correction.objects.exists()


def test_list_shows_what_stands_and_on_request_what_was_withdrawn() -> None:
    front, orders = paint()
    make_correction(front, start=START, end=END, author_name="Kim")
    make_correction(orders, start=START, end=END, reason="old", withdrawn_at=END, withdrawn_by_name="Lou")
    listed = run_command("correct", "list")[1].splitlines()
    assert listed[0].split() == ["ID", "Endpoint", "From", "Until", "Effect", "By", "Reason"]
    assert len(listed) == 2
    assert "shop/front / page" in listed[1]
    assert "withdrawn by Lou" in run_command("correct", "list", "shop/orders", "--withdrawn")[1]
    assert run_command("correct", "list", "other")[1] == "There are no corrections.\n"


def test_list_is_read_by_programs() -> None:
    front, _orders = paint()
    made = make_correction(front, start=START, end=END, author_name="Kim")
    [row] = json.loads(run_command("correct", "list", "--json")[1])
    assert row == {
        "id": made.pk,
        "endpoint": "shop/front / page",
        "starts_at": "2026-06-01T10:00:00+00:00",
        "ends_at": "2026-06-01T11:30:00+00:00",
        "effect": "excluded",
        "reason": "our cable",
        "is_public": False,
        "at": made.at.isoformat(),
        "author": "Kim",
        "withdrawn_at": None,
        "withdrawn_by": None,
    }


@pytest.mark.parametrize("count", [1, MAX_LISTED + 1])
def test_list_costs_two_queries_and_is_cut(count: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    front, _orders = paint()
    for number in range(count):
        make_correction(front, start=START, end=END + timedelta(minutes=number))
    with django_assert_num_queries(2):
        said = run_command("correct", "list")[1]
    assert (f"These are the newest {MAX_LISTED};" in said) is (count > MAX_LISTED)


def test_corrections_are_withdrawn_once() -> None:
    paint()
    make("shop")
    ids = [str(pk) for pk in Correction.objects.values_list("pk", flat=True)]
    assert _withdraw(ids[0])[0] == "Corrections withdrawn: 1."
    assert _withdraw(*ids)[:2] == ["Corrections withdrawn: 1.", "Withdrawn before, by somebody else: 1."]
    assert set(Correction.objects.values_list("withdrawn_by_name", flat=True)) == {"Lou"}
    with pytest.raises(CommandError, match=r"There is no correction 999999; see `manage.py correct list`."):
        _withdraw("999999")


def _withdraw(*ids: Any) -> list[str]:
    return run_command("correct", "withdraw", *ids, "--author=Lou")[1].splitlines()
