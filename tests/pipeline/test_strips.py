"""Strips as the roll-up keeps them: beside the rollups, in a number of statements that knows no size."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.strips import Strip, unpack
from healthcheck.engine.uptime import HOUR_MS, Totals
from healthcheck.models import Resolution, Rollup, UptimeStrip
from healthcheck.pipeline.strips import Owner, keep_strips

pytestmark = pytest.mark.django_db

UP, DOWN = Totals(up_ms=HOUR_MS), Totals(down_ms=HOUR_MS)


def _read(location_id: int = 1, resolution: Resolution = Resolution.HOUR) -> Strip:
    row = UptimeStrip.objects.get(resolution=resolution, endpoint_id=1, location_id=location_id)
    strip = unpack(row.packed, row.last)
    assert strip is not None
    return strip


def test_strip_grows_with_what_is_rolled_up() -> None:
    keep_strips(Resolution.HOUR, {Owner(1, 1): {100: UP, 101: DOWN}})
    keep_strips(Resolution.HOUR, {Owner(1, 1): {102: UP, 100: DOWN}})
    strip = _read()
    assert [strip.sum_up(number, number) for number in (100, 101, 102)] == [DOWN, DOWN, UP]
    assert (strip.first, strip.last) == (100, 102)


def test_hours_and_days_and_locations_are_apart() -> None:
    keep_strips(Resolution.HOUR, {Owner(1, 1): {100: UP}, Owner(1, 2): {100: DOWN}})
    keep_strips(Resolution.DAY, {Owner(1, 1): {4: DOWN}})
    assert _read().sum_up(0, 200) == UP
    assert _read(2).sum_up(0, 200) == DOWN
    assert _read(resolution=Resolution.DAY).last == 4


@pytest.mark.parametrize("packed", [None, "damaged"])
def test_strip_that_is_missing_or_damaged_is_made_of_the_rollups(packed: str | None) -> None:
    for number, spent in ((10, {"down_ms": HOUR_MS}), (99, {"up_ms": HOUR_MS}), (100, {"down_ms": HOUR_MS})):
        Rollup.objects.create(resolution=Resolution.HOUR, endpoint_id=1, location_id=1, number=number, **spent)
    if packed is not None:
        UptimeStrip.objects.create(resolution=Resolution.HOUR, endpoint_id=1, location_id=1, last=100, packed=packed)
    keep_strips(Resolution.HOUR, {Owner(1, 1): {100: UP}})
    strip = _read()
    assert (strip.first, strip.last, strip.sum_up(99, 99), strip.sum_up(100, 100)) == (99, 100, UP, UP)


@pytest.mark.parametrize("count", [1, 30])
def test_strips_cost_the_same_statements_for_any_number(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    buckets = {Owner(number, 1): {100: UP} for number in range(1, count + 1)}
    with django_assert_num_queries(4):
        keep_strips(Resolution.HOUR, buckets)
    with django_assert_num_queries(2):
        keep_strips(Resolution.HOUR, buckets)
    with django_assert_num_queries(0):
        keep_strips(Resolution.HOUR, {})
