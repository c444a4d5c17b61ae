"""Corrections and rollups: what was rolled up long ago follows, and comes back to the bit when they are withdrawn."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies as st

from healthcheck.engine.types import ErrorKind, State
from healthcheck.engine.uptime import Totals
from healthcheck.models import Correction, CorrectionEffect, Endpoint, RollupMark, UptimeStrip
from healthcheck.pipeline.correct import Author, Proposal, make_corrections, withdraw_corrections
from tests.factories import NOW, make_endpoint, make_group, make_location, make_transition
from tests.pipeline.rollups import (
    HOUR_MS,
    MINUTE,
    begin,
    check,
    hours_later,
    read_day,
    read_hour,
    read_latencies,
    read_rows,
    read_totals,
    roll,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]

KIM = Author("Kim")
# Of a history that begins at noon: two days and a bit.
HOURS = 60
DATABASE = hypothesis.settings(max_examples=8, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])


@pytest.fixture
def endpoint() -> Endpoint:
    """Up, but down from the second hour to the middle of the third; all of it rolled up."""
    make_location()
    endpoint = make_endpoint()
    begin(endpoint)
    check(endpoint, NOW + 10 * MINUTE, latency_us=1000)
    check(endpoint, hours_later(1), State.DOWN, error_kind=ErrorKind.TIMEOUT)
    make_transition(endpoint, at=hours_later(1))
    make_transition(endpoint, at=hours_later(2.5), from_state=State.DOWN, to_state=State.UP)
    roll(HOURS)
    return endpoint


def correct(endpoint: Endpoint, start: float, end: float, effect: CorrectionEffect) -> None:
    proposal = Proposal(hours_later(start), hours_later(end), effect, "our cable")
    make_corrections([endpoint.pk], proposal, author=KIM, now=hours_later(HOURS))


def withdraw(*corrections: Correction) -> None:
    withdraw_corrections([each.pk for each in corrections], author=KIM, now=hours_later(HOURS))


def read_strips() -> list[tuple[object, ...]]:
    columns = [field.attname for field in UptimeStrip._meta.concrete_fields if field.attname != "id"]
    rows = UptimeStrip.objects.values_list(*columns)
    return sorted(tuple(bytes(each) if isinstance(each, memoryview) else each for each in row) for row in rows)


def test_hours_and_days_follow_a_correction_and_keep_what_was_counted(endpoint: Endpoint) -> None:
    assert read_totals(read_hour(endpoint, 1)) == Totals(down_ms=HOUR_MS)
    counted, latencies = read_hour(endpoint, 1), read_latencies(read_hour(endpoint))
    correct(endpoint, 1, 2.25, CorrectionEffect.FALSE_ALARM)
    roll(HOURS)
    assert not RollupMark.objects.exists()
    assert read_totals(read_hour(endpoint, 1)) == Totals(up_ms=HOUR_MS)
    assert read_totals(read_hour(endpoint, 2)) == Totals(up_ms=HOUR_MS * 3 // 4, down_ms=HOUR_MS // 4)
    assert read_totals(read_day(endpoint)) == Totals(up_ms=HOUR_MS * 47 // 4, down_ms=HOUR_MS // 4)
    # It says what the time was, and nothing about what the checks saw.
    assert (read_hour(endpoint, 1).count, read_hour(endpoint, 1).error_counts) == (1, counted.error_counts)
    assert read_latencies(read_hour(endpoint)) == latencies != {}


def test_neighbour_is_left_alone(endpoint: Endpoint) -> None:
    other = make_endpoint(make_group("other"))
    begin(other)
    roll(HOURS)
    before = read_rows(other)
    correct(endpoint, 0, 30, CorrectionEffect.EXCLUDED)
    roll(HOURS)
    assert read_rows(other) == before


def test_withdrawn_correction_leaves_no_trace_in_what_was_rolled_up(endpoint: Endpoint) -> None:
    before, strips = read_rows(), read_strips()
    correct(endpoint, 0.5, 40, CorrectionEffect.MAINTENANCE)
    roll(HOURS)
    assert read_rows() != before
    assert read_strips() != strips
    withdraw(*Correction.objects.all())
    roll(HOURS)
    assert (read_rows(), read_strips()) == (before, strips)


MOMENTS = st.integers(0, HOURS * 4)


@DATABASE
@hypothesis.given(
    said=st.lists(st.tuples(MOMENTS, MOMENTS, st.sampled_from(CorrectionEffect)), min_size=1, max_size=4),
    is_rolled_between=st.booleans(),
)
def test_any_corrections_withdrawn_again_give_the_same_rows(
    endpoint: Endpoint, said: list[tuple[int, int, CorrectionEffect]], *, is_rolled_between: bool
) -> None:
    before = read_rows()
    for first, second, effect in said:
        start, end = sorted((first, second))
        correct(endpoint, min(start, HOURS * 4 - 1) / 4, min((end + 1) / 4, HOURS), effect)
        if is_rolled_between:
            roll(HOURS)
    withdraw(*Correction.objects.standing())
    roll(HOURS)
    assert read_rows() == before
