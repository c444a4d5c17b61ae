"""The JSON twin, key by key."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.strips import Mark
from healthcheck.engine.types import ErrorKind, State
from healthcheck.engine.uptime import HOUR_MS, Totals, to_ms
from healthcheck.web.board import EndpointView, GroupView
from healthcheck.web.freshness import CheckerFault, Lag
from healthcheck.web.json_twin import describe_board
from healthcheck.web.uptime import PERIODS, Interval, Span, Uptime
from tests.factories import NOW
from tests.web.builders import gather_board, show_groups, sight


def test_twin_says_what_the_page_says() -> None:
    down = EndpointView(7, "Checkout", False, sight(State.DOWN, error_kind=ErrorKind.TIMEOUT, strip="13"))
    board = show_groups(GroupView(1, "api", "API", False, (down,)))
    assert describe_board(board, NOW) == {
        "page": {"slug": "status", "title": "Status"},
        "verdict": {"state": "down", "sentence": "Everything is down"},
        "checker": {"is_behind": False, "faults": []},
        "newest_result_at": "2026-07-01T11:59:59Z",
        "period": None,
        "groups": [
            {
                "section": "",
                "slug": "api",
                "name": "API",
                "state": "down",
                "is_paused": False,
                "uptime": None,
                "endpoints": [
                    {
                        "id": 7,
                        "name": "Checkout",
                        "state": "down",
                        "is_paused": False,
                        "in_maintenance": False,
                        "is_checked": True,
                        "since": "2026-07-01T11:00:00Z",
                        "error_kind": "timeout",
                        "reason": "It did not answer in time.",
                        "latency_ms": None,
                        "observed_at": "2026-07-01T11:59:59Z",
                        "strip": ["up", "down"],
                        "uptime": None,
                        "buckets": [],
                    }
                ],
            }
        ],
    }


def test_twin_of_a_checker_that_is_behind_says_so() -> None:
    faults = [CheckerFault(Lag.SILENT, NOW - timedelta(minutes=1)), CheckerFault(Lag.NEVER_TICKED)]
    facts = describe_board(gather_board(State.UP, faults=faults), NOW)
    assert facts["verdict"] == {"state": "unknown", "sentence": "The current state is not known"}
    assert facts["checker"] == {
        "is_behind": True,
        "faults": [{"lag": "silent", "since": "2026-07-01T11:59:00Z"}, {"lag": "never_ticked", "since": None}],
    }


def test_twin_gives_latency_in_milliseconds() -> None:
    (group,) = describe_board(gather_board(State.UP), NOW)["groups"]
    assert group["endpoints"][0]["latency_ms"] == 12.0


def test_twin_names_no_failure_of_expired_evidence() -> None:
    past = NOW - timedelta(hours=1)
    expired = {"is_expired": True, "valid_until": past, "error_kind": ErrorKind.TIMEOUT, "last_verdict": State.DOWN}
    assert _describe(State.UNKNOWN, **expired, observed_at=past - timedelta(minutes=1)) == (
        None,
        "There is no fresh result.",
    )


def test_twin_names_why_nothing_was_measured() -> None:
    blocked = {"is_expired": True, "valid_until": NOW - timedelta(hours=1), "error_kind": ErrorKind.BLOCKED}
    assert _describe(State.UNKNOWN, **blocked) == ("blocked", SENTENCES[ErrorKind.BLOCKED])


def test_twin_gives_exact_time_and_what_it_comes_to() -> None:
    totals = Totals(up_ms=600, degraded_ms=100, down_ms=300, unknown_ms=250, maintenance_ms=7, excluded_ms=8)
    uptime = Uptime(bytes([0, Mark.UP, Mark.UP | Mark.DOWN | Mark.MOSTLY_DOWN | Mark.UNKNOWN]), totals)
    endpoint = EndpointView(7, "Checkout", False, sight(), uptime)
    board = show_groups(GroupView(1, "api", "API", False, (endpoint, EndpointView(8, "New", False, sight()))))
    blind = Interval(to_ms(NOW) - HOUR_MS, to_ms(NOW))
    span = Span(PERIODS[0], counts_degraded=False, blind=(blind,), known_from_ms=blind.start_ms - 1)
    facts = describe_board(replace(board, span=span), NOW)
    assert facts["period"] == {
        "key": "24h",
        "resolution": "hour",
        "start": "2026-06-30T13:00:00Z",
        "measured_since": "2026-07-01T10:59:59.999000Z",
        "end": "2026-07-01T12:00:00Z",
        "counts_degraded_as_good": False,
        "blind": [{"start": "2026-07-01T11:00:00Z", "end": "2026-07-01T12:00:00Z"}],
    }
    shown, new = facts["groups"][0]["endpoints"]
    assert shown["uptime"] == {"uptime": 0.6, "unknown_share": 0.2} | asdict(totals) == facts["groups"][0]["uptime"]
    assert shown["buckets"] == [[], ["up"], ["unknown", "up", "down"]]
    assert (new["uptime"], new["buckets"]) == (None, [])


def _describe(state: State, **fields: Any) -> tuple[str | None, str]:
    """Return kind and reason of an endpoint."""
    board = show_groups(GroupView(1, "", "", False, (EndpointView(1, "", False, sight(state, **fields)),)))
    (endpoint,) = describe_board(board, NOW)["groups"][0]["endpoints"]
    return endpoint["error_kind"], endpoint["reason"]
