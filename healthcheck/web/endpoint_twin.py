"""The page of an endpoint as JSON, with keys that stay.

page         slug, title
endpoint     as in the page's own twin: id, name, state, is_paused, is_checked, since, error_kind, reason,
             latency_ms, observed_at, strip
checker      is_behind
window       count, failed, unknown, percentiles_ms: {"50", "95", "99"} or null, width_seconds,
             columns: a list of {at, count, failed, unknown, latency_ms, phases_ms}, oldest first; means of the
             answered checks
changes      a list of {at, until, state, error_kind, reason}, newest first
period       as in the page's own twin; the default where it asks for none
periods      24h, 7d, 30d, 90d: each start and measured_since as in `period`; uptime, unknown_share and exact
             milliseconds per condition, as `uptime` in the page's own twin
answers      of the period: count, unknown_count, error_counts by kind, percentiles_ms of the answered checks: {"50",
             "95", "99"} or null, the same per phase in phases_ms, and how far they may be off, relative_error
hours, days  the last 24 hours and a year: lists of {at, up_ms, degraded_ms, down_ms, unknown_ms, maintenance_ms,
             excluded_ms, count, unknown_count, percentiles_ms}, oldest first; the last is not over yet. Results, and
             percentiles within the period alone, are those of what is rolled up
corrections  count: all that stand; published: a list of {starts_at, ends_at, effect, reason}, newest first, of those
             whose reason is for everybody, 20 at most
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext

from healthcheck.engine.faults import SENTENCES
from healthcheck.web.board import Board
from healthcheck.web.history import Change
from healthcheck.web.json_twin import describe_endpoint, write_instant
from healthcheck.web.window import PERCENTILES, PHASES, Column, Window


def describe_endpoint_page(board: Board, *, window: Window, changes: Sequence[Change]) -> dict[str, Any]:
    """Return the JSON twin of a board that was narrowed to one endpoint."""
    (endpoint,) = board.endpoints
    return {
        "page": {"slug": board.slug, "title": board.title},
        "endpoint": describe_endpoint(endpoint),
        "checker": {"is_behind": bool(board.checker_faults)},
        "window": _describe_window(window),
        "changes": [_describe_change(change) for change in changes],
    }


def _describe_window(window: Window) -> dict[str, Any]:
    pairs = zip(PERCENTILES, window.percentiles_us, strict=False)
    return {
        "count": window.count,
        "failed": window.failed,
        "unknown": window.unknown,
        "percentiles_ms": {str(percent): value / 1000 for percent, value in pairs} or None,
        "width_seconds": window.width.total_seconds(),
        "columns": [_describe_column(column) for column in window.columns],
    }


def _describe_column(column: Column) -> dict[str, Any]:
    spent = zip(PHASES, column.phases_us, strict=True)
    return {
        "at": write_instant(column.at),
        "count": column.count,
        "failed": column.failed,
        "unknown": column.unknown,
        "latency_ms": round(column.latency_us / 1000, 3) if column.answered else None,
        "phases_ms": {phase: round(value / 1000, 3) for phase, value in spent} if column.answered else None,
    }


def _describe_change(change: Change) -> dict[str, Any]:
    return {
        "at": write_instant(change.at),
        "until": write_instant(change.until),
        "state": change.state.word,
        "error_kind": change.error_kind.word if change.error_kind else None,
        "reason": gettext(SENTENCES[change.error_kind]) if change.error_kind else "",
    }
