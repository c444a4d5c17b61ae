from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from healthcheck.models import EndpointGroup
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.clock import restart_clocks
from tests.factories import NOW, make_group

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_database_clock_is_an_instant_in_utc_between_two_of_ours() -> None:
    before = timezone.now()
    read = read_database_clock()
    assert read.utcoffset() == timedelta()
    # Both on this machine, and PostgreSQL's clock as fine as ours.
    assert before <= read <= timezone.now()


def test_database_clock_moves_inside_a_transaction() -> None:
    """`now()` of PostgreSQL stands still in one; a lease from it would be too short by the transaction's age."""
    assert connection.in_atomic_block
    first = read_database_clock()
    while timezone.now() <= first:
        pass
    assert read_database_clock() > first


def test_restart_lets_the_named_groups_run_at_once() -> None:
    later = NOW + timedelta(hours=1)
    first, second, other = (make_group(slug, next_run_at=later) for slug in ("a", "b", "c"))
    restart_clocks([first.pk, second.pk], NOW)
    assert list(EndpointGroup.objects.due(NOW)) == [first, second]
    other.refresh_from_db()
    assert other.next_run_at == later
