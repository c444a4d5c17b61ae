"""Database statements per run, at one, three and many endpoints.

A real run from end to end in this process (the task itself: take, load, gather against nginx, record), counted on every
connection that it opens, three times per group: the first run, which makes the states; a steady one, all up; one in
which every endpoint goes down, with evidence and a transition each. Beside them the statements of a claim. Savepoints
count, BEGIN and COMMIT do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.utils import timezone

from healthcheck.models import Assertion, CheckRun, Endpoint, EndpointGroup, Location, RunStatus
from healthcheck.pipeline.dispatch import claim_group
from healthcheck.tasks import run_group
from tests.figures.rows import make_groups
from tests.figures.table import Row
from tests.figures.targets import run_nginx, spread

TARGET = "constant"
MAX_ADDRESSES = 20


class Counter:
    """Sees every statement of this process, whichever thread sends it."""

    def __init__(self) -> None:
        self.count = 0

    def watch(self, connection: BaseDatabaseWrapper, **_: Any) -> None:
        connection.execute_wrappers.append(self)

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self.count += not sql.startswith("BEGIN")
        return execute(sql, params, many, context)

    @contextmanager
    def counting(self, into: list[int]) -> Iterator[None]:
        before = self.count
        yield
        into.append(self.count - before)


def measure(size: int) -> Iterator[Row]:
    counter = Counter()
    connection.close()
    connection_created.connect(counter.watch)
    counts: dict[str, list[int]] = {"claim": [], "first": [], "steady": [], "all down": []}
    sizes = sorted({1, 3, size})
    with run_nginx(spread(MAX_ADDRESSES)) as urls:
        # The first run of a process opens connections, which costs statements of its own.
        _run_all(_make_group(1, urls, slug="warm"), counter, {name: [] for name in counts})
        for members in sizes:
            _run_all(_make_group(members, urls, slug=f"of-{members}"), counter, counts)
    at = ", ".join(f"{members:,}" for members in sizes)
    for name, counted in counts.items():
        target = TARGET if name != "claim" else ""
        yield Row(f"statements, {name}", target, " / ".join(map(str, counted)), f"at {at} endpoints")


def _make_group(members: int, urls: Sequence[str], *, slug: str) -> EndpointGroup:
    [group] = make_groups(slug, 1, urls, members=members, timeout_seconds=10.0)
    # One failed check is enough to go down.
    Endpoint.objects.filter(group=group).update(failure_threshold=1)
    return group


def _run_all(group: EndpointGroup, counter: Counter, counts: dict[str, list[int]]) -> None:
    for name in ("first", "steady", "all down"):
        if name == "all down":
            Assertion.objects.filter(endpoint__group=group).update(text='body contains "absent"')
        run_id = _claim(group, counter, counts["claim"] if name == "steady" else [])
        with counter.counting(counts[name]):
            run_group(run_id)
        _verify(run_id, is_down=name == "all down")


def _claim(group: EndpointGroup, counter: Counter, counted: list[int]) -> int:
    now, location = timezone.now(), Location.objects.default()
    EndpointGroup.objects.filter(pk=group.pk).update(next_run_at=now)
    group.refresh_from_db()
    with counter.counting(counted):
        run_id = claim_group(group, location, now)
    assert run_id is not None
    return run_id


def _verify(run_id: int, *, is_down: bool) -> None:
    run = CheckRun.objects.get(pk=run_id)
    if run.status != RunStatus.FINISHED or bool(run.up_count) is is_down:
        raise RuntimeError(f"run {run_id} is {run.status} with {run.up_count} up, {run.down_count} down")
