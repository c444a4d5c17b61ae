"""Corrections stay as they were said, whoever asks the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from healthcheck.models import Correction, CorrectionEffect
from tests.factories import NOW, make_correction, make_endpoint

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
WITHDRAWAL = {"withdrawn_at": NOW, "withdrawn_by_name": "Kim"}


def store(**columns: Any) -> Correction:
    return make_correction(make_endpoint(), start=NOW - HOUR, end=NOW, **columns)


@pytest.mark.parametrize(
    "columns",
    [
        {"endpoint_id": 7},
        {"starts_at": NOW - 2 * HOUR},
        {"ends_at": NOW + HOUR},
        {"effect": CorrectionEffect.FALSE_ALARM},
        {"reason": "another"},
        {"is_public": True},
        {"at": NOW + HOUR},
        {"author_name": "Somebody else"},
    ],
    ids=lambda columns: next(iter(columns)),
)
def test_no_column_of_what_was_said_is_edited(columns: dict[str, Any]) -> None:
    correction = store()
    with pytest.raises(IntegrityError, match="A correction is never edited"), transaction.atomic():
        Correction.objects.filter(pk=correction.pk).update(**columns)
    unchanged = Correction.objects.get()
    assert {name: getattr(unchanged, name) for name in columns} == {name: getattr(correction, name) for name in columns}


def test_correction_is_withdrawn_once() -> None:
    rows = Correction.objects.filter(pk=store().pk)
    assert rows.update(**WITHDRAWAL) == 1
    for columns in ({"withdrawn_at": None}, {"withdrawn_by_name": "Somebody else"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**columns)
    assert rows.values(*WITHDRAWAL).get() == WITHDRAWAL


def test_account_that_is_deleted_leaves_its_name() -> None:
    kim = User.objects.create_user("kim")
    correction = store(author=kim, author_name="Kim")
    kim.delete()
    correction.refresh_from_db()
    assert (correction.author, correction.author_name) == (None, "Kim")


def test_correction_is_given_to_no_other_author() -> None:
    correction = store(author_name="Kim")
    with pytest.raises(IntegrityError), transaction.atomic():
        Correction.objects.update(author=User.objects.create_user("somebody"))
    assert Correction.objects.get() == correction


def test_correction_is_not_removed() -> None:
    correction = store()
    for remove in (correction.delete, Correction.objects.all().delete):
        with pytest.raises(IntegrityError, match="A correction is never removed"), transaction.atomic():
            remove()
    assert Correction.objects.get() == correction


@pytest.mark.postgresql
def test_database_removes_it_after_its_endpoint_only() -> None:
    endpoint = make_endpoint()
    make_correction(endpoint, start=NOW - HOUR, end=NOW)
    with connection.cursor() as cursor:
        with pytest.raises(IntegrityError, match="A correction is never removed"), transaction.atomic():
            cursor.execute("DELETE FROM healthcheck_correction")
        pk = endpoint.pk
        endpoint.delete()
        assert Correction.objects.remove_with_endpoint(pk) == 1


def test_standing_are_those_that_nobody_withdrew() -> None:
    endpoint = make_endpoint()
    standing = make_correction(endpoint, start=NOW - HOUR, end=NOW)
    make_correction(endpoint, start=NOW - HOUR, end=NOW, **WITHDRAWAL)
    assert list(Correction.objects.standing()) == [standing]


def test_intervals_that_only_touch_do_not_overlap() -> None:
    endpoint = make_endpoint()
    make_correction(endpoint, start=NOW - HOUR, end=NOW)
    for start, end, count in ((0, 1, 0), (-2, -1, 0), (-2, 1, 1), (-0.5, -0.25, 1)):
        found = Correction.objects.overlapping([endpoint.pk], start=NOW + start * HOUR, end=NOW + end * HOUR)
        assert found.count() == count
