"""What a correction would change, before anybody makes it: exactly what it then changes, and back again."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import hypothesis
import pytest
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.types import State
from healthcheck.engine.uptime import Totals
from healthcheck.models import Correction, CorrectionEffect, Endpoint
from healthcheck.pipeline import foresee
from healthcheck.pipeline.correct import Author, Proposal, make_corrections, withdraw_corrections
from healthcheck.pipeline.foresee import (
    WINDOW_DAYS,
    Figures,
    Foresight,
    Interval,
    foresee_correction,
    foresee_withdrawal,
)
from tests.factories import NOW, make_correction, make_endpoint, make_group, make_location, make_state, make_transition

pytestmark = pytest.mark.django_db

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
HOUR_MS = 3_600_000
QUERIES = 5


@pytest.fixture
def endpoint() -> Endpoint:
    """Up for 100 days, but down for an hour ten days ago and degraded for another one five hours ago."""
    make_location()
    endpoint = make_endpoint()
    change(endpoint, NOW - 100 * DAY, State.UP)
    change(endpoint, NOW - 10 * DAY, State.DOWN)
    change(endpoint, NOW - 10 * DAY + HOUR, State.UP)
    change(endpoint, NOW - 5 * HOUR, State.DEGRADED)
    change(endpoint, NOW - 4 * HOUR, State.UP)
    return endpoint


def change(endpoint: Endpoint, at: datetime, state: State, **columns: object) -> None:
    make_transition(endpoint, at=at, to_state=state, **columns)


def foresee_one(endpoint: Endpoint, interval: Interval, effect: CorrectionEffect) -> Foresight:
    found = foresee_correction([endpoint.pk], interval, effect, now=NOW)
    assert found is not None
    return found[endpoint.pk]


def hours(**conditions: int) -> Totals:
    return Totals(**{f"{name}_ms": count * HOUR_MS for name, count in conditions.items()})


def test_figures_are_told_with_it_and_without_it(endpoint: Endpoint) -> None:
    interval = Interval(NOW - 10 * DAY - HOUR, NOW - 10 * DAY + HOUR)
    seen = foresee_one(endpoint, interval, CorrectionEffect.EXCLUDED)
    assert (seen.before.interval, seen.after.interval) == (hours(up=1, down=1), hours(excluded=2))
    lengths = [days * 24 for days in WINDOW_DAYS]
    assert lengths == [24, 168, 720, 2160]
    before = [hours(up=length - 1, degraded=1) for length in lengths[:2]]
    assert seen.before.windows == (*before, *(hours(up=each - 2, degraded=1, down=1) for each in lengths[2:]))
    assert seen.after.windows == (*before, *(hours(up=each - 3, degraded=1, excluded=2) for each in lengths[2:]))


def test_false_alarm_makes_good_what_was_not(endpoint: Endpoint) -> None:
    seen = foresee_one(endpoint, Interval(NOW - 6 * HOUR, NOW - 4 * HOUR), CorrectionEffect.FALSE_ALARM)
    assert (seen.before.interval, seen.after.interval) == (hours(up=1, degraded=1), hours(up=2))


def test_interval_before_all_windows_is_measured_by_itself(endpoint: Endpoint) -> None:
    seen = foresee_one(endpoint, Interval(NOW - 101 * DAY, NOW - 99 * DAY), CorrectionEffect.MAINTENANCE)
    assert (seen.before.interval, seen.after.interval) == (hours(up=24), hours(maintenance=24))
    assert seen.before.windows == seen.after.windows


def test_new_correction_counts_before_those_that_stand(endpoint: Endpoint) -> None:
    make_correction(endpoint, start=NOW - 2 * HOUR, end=NOW)
    seen = foresee_one(endpoint, Interval(NOW - 3 * HOUR, NOW - HOUR), CorrectionEffect.MAINTENANCE)
    assert (seen.before.interval, seen.after.interval) == (hours(up=1, excluded=1), hours(maintenance=2))
    assert seen.after.windows[0] == hours(up=20, degraded=1, maintenance=2, excluded=1)


def test_withdrawal_shows_what_comes_out_from_under_it(endpoint: Endpoint) -> None:
    make_correction(endpoint, start=NOW - 2 * HOUR, end=NOW, effect=CorrectionEffect.MAINTENANCE)
    newer = make_correction(endpoint, start=NOW - 3 * HOUR, end=NOW)
    seen = foresee_withdrawal(newer, now=NOW)
    assert seen is not None
    assert (seen.before.interval, seen.after.interval) == (hours(excluded=3), hours(up=1, maintenance=2))


def test_each_second_of_each_location_counts(endpoint: Endpoint) -> None:
    change(endpoint, NOW - 2 * HOUR, State.DOWN, location=make_location("far-away"))
    seen = foresee_one(endpoint, Interval(NOW - 3 * HOUR, NOW - HOUR), CorrectionEffect.FALSE_ALARM)
    assert (seen.before.interval, seen.after.interval) == (hours(up=2, down=1), hours(up=3))


def test_evidence_that_has_expired_is_unknown_from_then(endpoint: Endpoint) -> None:
    make_state(endpoint, valid_until=NOW - HOUR)
    seen = foresee_one(endpoint, Interval(NOW - 2 * HOUR, NOW), CorrectionEffect.FALSE_ALARM)
    assert seen.before.interval == seen.after.interval == hours(up=1, unknown=1)


def test_more_changes_than_anybody_waits_for_are_not_measured(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    interval = Interval(NOW - HOUR, NOW)
    # Those of the last 90 days.
    monkeypatch.setattr(foresee, "MAX_STEPS", 4)
    assert foresee_correction([endpoint.pk], interval, CorrectionEffect.EXCLUDED, now=NOW) is not None
    monkeypatch.setattr(foresee, "MAX_STEPS", 3)
    assert foresee_correction([endpoint.pk], interval, CorrectionEffect.EXCLUDED, now=NOW) is None
    correction = make_correction(endpoint, start=NOW - HOUR, end=NOW)
    assert foresee_withdrawal(correction, now=NOW) is None


@pytest.mark.parametrize("count", [1, 3])
def test_many_endpoints_take_as_many_queries_as_one(
    endpoint: Endpoint, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    group = make_group("more")
    ids = [endpoint.pk, *(make_endpoint(group, str(number)).pk for number in range(count - 1))]
    with django_assert_num_queries(QUERIES):
        found = foresee_correction(ids, Interval(NOW - HOUR, NOW), CorrectionEffect.EXCLUDED, now=NOW)
    assert found is not None
    assert list(found) == ids
    assert found[ids[-1]] == (Foresight() if count > 1 else found[endpoint.pk])


MOMENTS = st.integers(0, 95 * 24 * 60)
CORRECTIONS = st.lists(st.tuples(MOMENTS, MOMENTS, st.sampled_from(CorrectionEffect)), min_size=1, max_size=6)
DATABASE = hypothesis.settings(max_examples=30, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])


@DATABASE
@hypothesis.given(said=CORRECTIONS, order=st.integers(0, 720))
def test_what_was_foreseen_comes_and_goes_to_the_bit(
    endpoint: Endpoint, said: list[tuple[int, int, CorrectionEffect]], order: int
) -> None:
    """Whatever is corrected in whatever order, and withdrawn in another: each step is what was foretold of it."""
    former = measure(endpoint)
    for first, second, effect in said:
        start, end = sorted((first, second))
        interval = Interval(NOW - (end + 1) * MINUTE, NOW - start * MINUTE)
        seen = foresee_one(endpoint, interval, effect)
        assert seen.before.windows == measure(endpoint)
        make_corrections([endpoint.pk], Proposal(*interval, effect, "why"), author=Author("Kim"), now=NOW)
        assert seen.after.windows == measure(endpoint)
    standing = list(Correction.objects.standing())
    Random(order).shuffle(standing)
    for correction in standing:
        undone = foresee_withdrawal(correction, now=NOW)
        assert undone is not None
        assert withdraw_corrections([correction.pk], author=Author("Kim"), now=NOW) == 1
        assert undone.after.windows == measure(endpoint)
    assert measure(endpoint) == former


def measure(endpoint: Endpoint) -> tuple[Totals, ...]:
    """Return what the windows come to as things stand: nothing is added to them."""
    nothing = Interval(NOW - HOUR, NOW - HOUR)
    figures: Figures = foresee_one(endpoint, nothing, CorrectionEffect.EXCLUDED).before
    return figures.windows
