"""Turns what is known of one endpoint into what its page shows. Names no address, and of a failure its kind alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

from healthcheck.engine.faults import SENTENCES
from healthcheck.web.board import Board, EndpointView, GroupView
from healthcheck.web.chart import DIVISIONS, draw_chart, draw_lane, find_top
from healthcheck.web.history import Change
from healthcheck.web.rendering import build_instant
from healthcheck.web.rows import choose_icon, draw_maintenance
from healthcheck.web.strip import draw_strip
from healthcheck.web.window import PERCENTILES, PHASES, Column, Window
from healthcheck.web.words import (
    PHASE_WORDS,
    STATE_WORDS,
    describe_clock,
    describe_fault,
    describe_instant,
    describe_latency,
    describe_reason,
    describe_span,
    describe_state,
    describe_strip,
    shorten_name,
)

_TIME_LABELS = 4


def find_shown(board: Board) -> tuple[GroupView, EndpointView] | None:
    """Return the first place of the one endpoint that this board was narrowed to, None where it has none."""
    return next(((group, endpoint) for group in board.groups for endpoint in group.endpoints), None)


def build_endpoint_context(board: Board, *, window: Window, changes: Sequence[Change], now: datetime) -> dict[str, Any]:
    """Return the template's context for a board that shows the endpoint."""
    shown = find_shown(board)
    if shown is None:
        raise ValueError("the board shows no endpoint")
    group, endpoint = shown
    seen = endpoint.sighting
    return {
        "board": board,
        "name": shorten_name(endpoint.name),
        "group_name": shorten_name(group.name),
        "icon": choose_icon(endpoint),
        "state": describe_state(endpoint),
        "is_paused": endpoint.is_paused,
        "maintenance": draw_maintenance() if endpoint.in_maintenance else "",
        "reason": describe_reason(endpoint),
        "since": build_instant(seen.since, now, with_seconds=False) if endpoint.is_checked else None,
        "newest": build_instant(seen.observed_at, now),
        "fault": describe_fault(board.checker_faults[0], now) if board.checker_faults else "",
        "strip": draw_strip(seen.strip) if endpoint.is_checked else "",
        "strip_words": describe_strip(seen.strip),
        "chart": build_chart(window) if window.is_timed else None,
        "changes": [_build_change(change, now) for change in changes],
    }


def build_chart(window: Window) -> dict[str, Any]:
    """Return the chart, its labels, and the same figures as a summary and as a table."""
    top = find_top(window)
    summary, failures = describe_window(window), describe_failures(window)
    return {
        "svg": draw_chart(window, title=gettext("Response time"), description=f"{summary} {failures}"),
        "lane": draw_lane(window, title=failures),
        "summary": summary,
        "failures": failures,
        "scale": [*(describe_latency(top * line / DIVISIONS) for line in range(DIVISIONS, 0, -1)), "0"],
        "times": _choose_times(window),
        "phases": [(phase, PHASE_WORDS[phase]) for phase in PHASES],
        "percentiles": [
            (percent, describe_latency(value))
            for percent, value in zip(PERCENTILES, window.percentiles_us, strict=False)
        ],
        "caption": describe_bars(window),
        "rows": [_build_row(column) for column in reversed(window.columns) if column.count],
    }


def describe_window(window: Window) -> str:
    """Return the percentiles as a sentence."""
    if not window.percentiles_us:
        return gettext("No check was answered.")
    p50, p95, p99 = (describe_latency(value) for value in window.percentiles_us)
    return gettext("Half of the answers took at most %(p50)s, 95%% at most %(p95)s, 99%% at most %(p99)s.") % {
        "p50": p50,
        "p95": p95,
        "p99": p99,
    }


def describe_bars(window: Window) -> str:
    """Return what a bar stands for, and what the percentiles are of."""
    sentence = ngettext(
        "Each bar is the mean of %(width)s. The percentiles are those of the newest check, the only one in the window.",
        "Each bar is the mean of %(width)s. The percentiles are of every single answer in the window: the newest "
        "%(checks)s checks, %(covered)s together.",
        window.count,
    )
    return sentence % {
        "width": describe_span(window.width),
        "checks": number_format(window.count, force_grouping=True),
        "covered": describe_span(_round_to_minutes(window.width * len(window.columns))),
    }


def describe_failures(window: Window) -> str:
    """Return how many of the window's checks failed, and how many measured nothing."""
    numbers = {
        "failed": number_format(window.failed, force_grouping=True),
        "count": number_format(window.count, force_grouping=True),
    }
    sentence = (
        ngettext("%(failed)s of %(count)s check failed.", "%(failed)s of %(count)s checks failed.", window.count)
        % numbers
    )
    if not window.unknown:
        return sentence
    unknown = ngettext("%(count)s measured nothing.", "%(count)s measured nothing.", window.unknown)
    return f"{sentence} {unknown % {'count': window.unknown}}"


def _round_to_minutes(length: timedelta) -> timedelta:
    # Slots are a hair early or late, and the words leave out what is no whole minute.
    return timedelta(minutes=round(length / timedelta(minutes=1))) or length


def _choose_times(window: Window) -> list[str]:
    """Return labels that are evenly spread over the columns; on a short axis only its ends."""
    columns = window.columns
    if len(columns) < 12:
        return [describe_clock(columns[0].at + window.width), describe_clock(columns[-1].at + window.width)]
    places = [round(part * (len(columns) - 1) / _TIME_LABELS) for part in range(_TIME_LABELS + 1)]
    return [describe_clock(columns[place].at + window.width) for place in places]


def _build_row(column: Column) -> dict[str, Any]:
    is_answered = column.answered > 0
    return {
        "time": describe_instant(column.at, with_seconds=False),
        "count": column.count,
        "phases": [describe_latency(spent) if is_answered else "–" for spent in column.phases_us],
        "latency": describe_latency(column.latency_us) if is_answered else "–",
        "failed": column.failed,
    }


def _build_change(change: Change, now: datetime) -> dict[str, Any]:
    return {
        "icon": change.state.word,
        "state": STATE_WORDS[change.state],
        "reason": gettext(SENTENCES[change.error_kind]) if change.error_kind else "",
        "at": build_instant(change.at, now, with_seconds=False),
        "lasted": describe_span(change.until - change.at) if change.until else "",
    }
