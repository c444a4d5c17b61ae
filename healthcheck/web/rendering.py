"""Turns a board into what the templates show: words, times and pictures are decided here, templates only place them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from healthcheck.web.board import Board, EndpointView, GroupView, is_unfolded
from healthcheck.web.strip import draw_strip
from healthcheck.web.verdict import judge_board
from healthcheck.web.words import (
    describe_age,
    describe_counts,
    describe_fault,
    describe_instant,
    describe_latency,
    describe_reason,
    describe_state,
    shorten_name,
)


def build_context(board: Board, now: datetime) -> dict[str, Any]:
    """Return the template's context. Strings in it are not escaped yet, but for the strips."""
    count = len(board.endpoints)
    return {
        "board": board,
        "verdict": judge_board(board),
        "fault": describe_fault(board.checker_faults[0], now) if board.checker_faults else "",
        "newest": _build_instant(board.newest_result_at, now),
        "groups": [_build_group(group, now, endpoint_count=count) for group in board.groups],
        "endpoint_count": count,
    }


def _build_group(group: GroupView, now: datetime, *, endpoint_count: int) -> dict[str, Any]:
    return {
        "id": group.id,
        "name": shorten_name(group.name),
        "icon": _choose_group_icon(group),
        "counts": describe_counts(group),
        "is_paused": group.is_paused,
        "is_open": is_unfolded(group, endpoint_count=endpoint_count),
        "endpoints": [_build_endpoint(endpoint, now) for endpoint in group.endpoints],
    }


def _build_endpoint(endpoint: EndpointView, now: datetime) -> dict[str, Any]:
    seen = endpoint.sighting
    return {
        "name": shorten_name(endpoint.name),
        "icon": endpoint.state.word if endpoint.is_checked else "idle",
        "state": describe_state(endpoint),
        "is_paused": endpoint.is_paused,
        "reason": describe_reason(endpoint),
        "since": _build_instant(seen.since, now, with_seconds=False) if endpoint.is_checked else None,
        "latency": describe_latency(endpoint.latency_us) if endpoint.latency_us else "",
        "strip": draw_strip(seen.strip) if endpoint.is_checked else SafeString(""),
    }


def _build_instant(at: datetime | None, now: datetime, *, with_seconds: bool = True) -> dict[str, Any] | None:
    if at is None:
        return None
    return {
        "iso": localtime(at).isoformat(),
        "text": describe_instant(at, with_seconds=with_seconds),
        "age": describe_age(at, now),
    }


def _choose_group_icon(group: GroupView) -> str:
    if group.endpoints and not group.active:
        return "paused"
    return group.state.word if any(endpoint.is_checked for endpoint in group.active) else "idle"
