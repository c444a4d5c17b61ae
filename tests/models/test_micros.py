"""Instants as numbers: the same instant, to the microsecond, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from healthcheck.models import Tick
from healthcheck.models.micros import Micros, read_micros

pytestmark = [pytest.mark.database, pytest.mark.django_db]

EAST = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 7, 1, 12, tzinfo=UTC),
        datetime(2026, 7, 1, 12, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2038, 1, 19, 3, 14, 8, 100, tzinfo=UTC),
        datetime(2024, 2, 29, 0, 0, 0, 250_000, tzinfo=EAST),
    ],
)
def test_micros_are_the_instant_that_was_stored(at: datetime) -> None:
    Tick.objects.create(node="a", at=at)
    [micros] = Tick.objects.values_list(Micros("at"), flat=True)
    assert read_micros(micros) == at


def test_micros_of_no_instant_are_none() -> None:
    assert read_micros(None) is None
