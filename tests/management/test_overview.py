from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from healthcheck.engine.types import State
from healthcheck.models import WorkerPulse
from healthcheck.models.clock import read_database_clock
from healthcheck.web.json_twin import describe_board
from healthcheck.web.snapshot import find_page, load_board
from healthcheck.web.words import describe_instant
from tests.factories import make_endpoint, make_group, make_location, make_page, make_state, make_tick
from tests.management.conftest import Terminal, run_command
from tests.web.scenes import HOSTILE_NAME, paint_hostile_page, paint_mixed_page

pytestmark = [pytest.mark.django_db, pytest.mark.database]

# PostgreSQL is asked for its clock as well.
QUERIES = 9 if connection.vendor == "sqlite" else 10


def test_overview_shows_what_the_page_shows() -> None:
    paint_mixed_page(timezone.now())
    status, shown = run_command("overview")
    lines = [line.strip() for line in shown.splitlines()]
    assert status == 0
    assert lines[0] == "Example Cloud: 1 of 8 is down (1 degraded, 1 unknown, 5 up)"
    assert "Payments API  1 down, 1 unknown, 2 up" in lines
    [checkout] = [line for line in lines if "Checkout" in line]
    assert checkout.split(maxsplit=2)[:2] == ["Down", "Checkout"]
    assert checkout.endswith("  " + "." * 20 + "x" * 10 + "  11 minutes ago  It did not answer in time.")
    assert any(line.startswith("Paused") and "Incoming mail" in line for line in lines)
    assert "Archive  1 endpoint (Paused)" in lines


def test_overview_says_that_the_checker_is_behind() -> None:
    now = timezone.now()
    make_page(title="Example")
    make_tick(at=now - timedelta(hours=2))
    make_state(make_endpoint(make_group(next_run_at=now + timedelta(minutes=1))), now=now)
    _, shown = run_command("overview")
    assert shown.startswith("Example: The current state is not known\nThe scheduler has been silent since ")


def test_overview_says_what_waits_in_spools_and_what_they_dropped() -> None:
    now = read_database_clock()
    make_page(title="Example")
    columns = {"location": make_location(), "started_at": now, "at": now}
    WorkerPulse.objects.create(node="a", spooled_count=12, spooled_since=now, **columns)
    WorkerPulse.objects.create(node="b", dropped_count=1, **columns)
    WorkerPulse.objects.create(node="idle", **columns)
    silent = columns | {"at": now - timedelta(minutes=1)}
    WorkerPulse.objects.create(node="silent", spooled_count=7, spooled_since=now, **silent)
    _, shown = run_command("overview")
    told = [line for line in shown.splitlines() if "spool" in line]
    assert sorted(told) == [
        "1 result was dropped by the spool of worker b.",
        f"12 results wait in the spool of worker a since {describe_instant(now)}.",
    ]


def test_json_is_the_pages_twin() -> None:
    now = read_database_clock()
    make_page("other", title="Other")
    make_state(make_endpoint(), State.DOWN, now=now)
    page = find_page("other")
    assert page is not None
    status, shown = run_command("overview", "other", "--json")
    assert (status, json.loads(shown)) == (0, describe_board(load_board(page, now=now), now))


def test_unknown_page_is_refused_with_the_pages_there_are() -> None:
    make_page("other")
    with pytest.raises(CommandError, match=r"There is no status page “nope”; the pages are: .*other") as caught:
        call_command("overview", "nope")
    assert caught.value.returncode == 2


def test_hostile_names_never_drive_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    paint_hostile_page(timezone.now())
    make_endpoint(make_group("evil"), "\x1b[2J\x07" + HOSTILE_NAME[:100])
    for stream in (None, Terminal()):
        _, shown = run_command("overview", stream=stream)
        for forbidden in ("\u202e", "\u2067", "\x1b[2J", "\x07"):
            assert forbidden not in shown


@pytest.mark.parametrize("endpoints", [1, 30])
def test_overview_costs_the_same_queries_for_any_number_of_endpoints(
    endpoints: int, django_assert_num_queries: object
) -> None:
    make_page()
    make_tick(at=timezone.now())
    group = make_group()
    for number in range(endpoints):
        make_state(make_endpoint(group, f"e{number}"), now=timezone.now())
    with django_assert_num_queries(QUERIES):  # type: ignore[operator]
        run_command("overview")
