"""The status page as JSON, with keys that stay.

    page       slug, title
    verdict    state (up, degraded, down, unknown), sentence
    checker    is_behind, faults: a list of {lag, since}; while it is behind, states may be out of date
    newest_result_at
    announcement  null or {level, text}
    groups     a list of {section, slug, name, state, is_paused, endpoints}; `section` is the title of the section it
               stands in, empty for none; endpoints that stand alone are in one whose slug and name are null
    endpoints  a list of {id, name, state, is_paused, is_checked, since, error_kind, reason, latency_ms, observed_at,
               strip}; the strip lists the last verdicts, newest last

Instants are ISO 8601 in UTC or null; `error_kind` is null without a failure or once it is out of date,
`latency_ms` without a fresh good answer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from healthcheck.engine.types import State
from healthcheck.web.board import Board, EndpointView, GroupView
from healthcheck.web.verdict import judge_board
from healthcheck.web.words import describe_reason, shorten_name

_WORDS = {str(state.value): state.word for state in State}


def describe_board(board: Board) -> dict[str, Any]:
    """Return the JSON twin of a page."""
    verdict = judge_board(board)
    return {
        "page": {"slug": board.slug, "title": board.title},
        "verdict": {"state": verdict.state.word, "sentence": verdict.sentence},
        "checker": {
            "is_behind": bool(board.checker_faults),
            "faults": [{"lag": fault.lag.value, "since": write_instant(fault.since)} for fault in board.checker_faults],
        },
        "newest_result_at": write_instant(board.newest_result_at),
        "groups": [
            {"section": shorten_name(section.title)} | _describe_group(group)
            for section in board.sections
            for group in section.groups
        ],
    }


def _describe_group(group: GroupView) -> dict[str, Any]:
    return {
        "slug": group.slug or None,
        "name": None if group.is_loose else shorten_name(group.name),
        "state": group.state.word,
        "is_paused": group.is_paused,
        "endpoints": [describe_endpoint(endpoint) for endpoint in group.endpoints],
    }


def describe_endpoint(endpoint: EndpointView) -> dict[str, Any]:
    seen = endpoint.sighting
    return {
        "id": endpoint.id,
        "name": shorten_name(endpoint.name),
        "state": endpoint.state.word,
        "is_paused": endpoint.is_paused,
        "is_checked": endpoint.is_checked,
        "since": write_instant(seen.since),
        "error_kind": seen.error_kind.word if seen.error_kind and not seen.has_ceased else None,
        "reason": describe_reason(endpoint),
        "latency_ms": endpoint.latency_us / 1000 if endpoint.latency_us else None,
        "observed_at": write_instant(seen.observed_at),
        "strip": [_WORDS[digit] for digit in seen.strip if digit in _WORDS],
    }


def write_instant(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
