"""What is done once at a time in a process, and the two tasks that are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from healthcheck import tasks
from healthcheck.pipeline.alone import Alone


def test_who_asks_meanwhile_is_turned_away_and_who_asks_afterwards_is_not() -> None:
    alone, done = Alone(), list[str]()
    turned_away = list[bool]()

    def work() -> None:
        done.append("first")
        turned_away.append(not alone.run(lambda: done.append("meanwhile")))

    assert alone.run(work)
    assert alone.run(lambda: done.append("afterwards"))
    assert (done, turned_away) == (["first", "afterwards"], [True])


def test_what_fails_leaves_the_way_free() -> None:
    alone, done = Alone(), list[str]()

    def fail() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        alone.run(fail)
    assert alone.run(lambda: done.append("next"))
    assert done == ["next"]


@pytest.mark.django_db
@pytest.mark.parametrize(("task", "alone"), [(tasks.prune, tasks.pruning), (tasks.roll_up, tasks.rolling_up)])
def test_upkeep_that_is_under_way_asks_the_database_nothing_more(task: Callable[[], None], alone: Alone) -> None:
    with CaptureQueriesContext(connection) as queries:
        alone.run(task)
        turned_away = len(queries)
        task()
    assert turned_away == 0 < len(queries)
