"""Turns a board into what the templates show: words, times and pictures are decided here, templates only place them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.timezone import localtime

from healthcheck.web.board import Board, GroupView, SectionView, is_unfolded
from healthcheck.web.rows import Manner, draw_rows
from healthcheck.web.uptime import Span, add_up
from healthcheck.web.uptime_words import (
    describe_interval,
    describe_rule,
    describe_start,
    describe_total,
    describe_uptime,
)
from healthcheck.web.verdict import judge_board
from healthcheck.web.words import describe_age, describe_counts, describe_fault, describe_instant, shorten_name

# The verdict has the second level.
_TOP_LEVEL = 2


def build_context(board: Board, now: datetime, *, page_url: str, query: str = "") -> dict[str, Any]:
    """Return the template's context. Strings in it are not escaped yet, but for the rows."""
    manner = Manner(page_url, _TOP_LEVEL, board.span, query)
    count = len(board.endpoints)
    return {
        "board": board,
        "verdict": judge_board(board),
        "fault": describe_fault(board.checker_faults[0], now) if board.checker_faults else "",
        "newest": build_instant(board.newest_result_at, now),
        "sections": [_build_section(each, now, manner, endpoint_count=count) for each in board.sections],
        "endpoint_count": count,
        "span": build_span(board, board.span, now) if board.span else None,
    }


def build_span(board: Board, span: Span, now: datetime) -> dict[str, Any]:
    """Return what is said of the period that is shown, over everything on the page."""
    return {
        "total": describe_total(add_up(endpoint.uptime for endpoint in board.endpoints), span),
        "start": describe_start(span, now),
        "rule": describe_rule(span),
        "blind": [describe_interval(interval) for interval in reversed(span.blind)],
        "key": span.period.key,
    }


def build_instant(at: datetime | None, now: datetime, *, with_seconds: bool = True) -> dict[str, Any] | None:
    """Return an instant for machines and for people, or None."""
    if at is None:
        return None
    return {
        "iso": localtime(at).isoformat(),
        "text": describe_instant(at, with_seconds=with_seconds),
        "age": describe_age(at, now),
    }


def _build_section(section: SectionView, now: datetime, manner: Manner, *, endpoint_count: int) -> dict[str, Any]:
    level = _TOP_LEVEL + bool(section.title)
    return {
        "id": section.id,
        "title": shorten_name(section.title),
        "description": section.description,
        "groups": [
            _build_group(group, manner.span, endpoint_count=endpoint_count)
            | {
                "level": level,
                "rows": draw_rows(group.endpoints, now, replace(manner, level=level + (not group.is_loose))),
            }
            for group in section.groups
        ],
    }


def _build_group(group: GroupView, span: Span | None, *, endpoint_count: int) -> dict[str, Any]:
    return {
        "key": group.key or str(group.id),
        "name": shorten_name(group.name),
        "icon": _choose_group_icon(group),
        "counts": describe_counts(group),
        "uptime": describe_uptime(group.totals, counts_degraded=span.counts_degraded) if span else "",
        "is_paused": group.is_paused,
        "is_loose": group.is_loose,
        "is_open": is_unfolded(group, endpoint_count=endpoint_count),
    }


def _choose_group_icon(group: GroupView) -> str:
    if group.endpoints and not group.active:
        return "paused"
    if group.active and not group.counted:
        return "maintenance"
    return group.state.word if any(endpoint.is_checked for endpoint in group.active) else "idle"
