"""The status page as JSON, with keys that stay.

    page       slug, title
    verdict    state (up, degraded, down, unknown), sentence
    checker    is_behind, faults: a list of {lag, since}; while it is behind, states may be out of date
    newest_result_at
    period     null for the last checks (?period=now), else key (24h, 7d, 30d, 90d), resolution (hour, day), start: of
               its first bucket, measured_since: the first moment in it of which anything is known, null where nothing
               is, end: this very instant, counts_degraded_as_good, blind: a list of {start, end} in which nothing that
               the page shows was measured
    announcement  null or {level, text}
    maintenance  a list of {title, description, is_running, starts_at, ends_at, affects}, running ones first; `affects`
               names what the page shows of it, empty for all of it
    incidents  a list of {id, title, severity (notice, degraded, down), stage (investigating, identified, monitoring,
               resolved), is_open, started_at, resolved_at, concerns, affects, updates, post_mortem}, open ones first:
               those that people made public, while they last and for 14 days. `concerns` names what the page shows of
               what it is about, `affects` of what depends on that; updates are a list of {at, stage, text}, newest
               first; texts are Markdown as it was written
    groups     a list of {section, slug, name, state, is_paused, uptime, endpoints}; `section` is the title of the
               section it stands in, empty for none; endpoints that stand alone are in one whose slug and name are null
    endpoints  a list of {id, name, state, is_paused, in_maintenance, is_checked, since, error_kind, reason, latency_ms,
               observed_at, strip, uptime, buckets}; the strip lists the last verdicts, newest last
    uptime     null without a history in the period, else {uptime, unknown_share, up_ms, degraded_ms, down_ms,
               unknown_ms, maintenance_ms, excluded_ms}: milliseconds are exact, `uptime` is good time over known time
               and null where nothing is known, `unknown_share` is what of the time to be measured nobody knows; of a
               group it is the sum over its endpoints
    buckets    a list of lists: what occurred in each hour or day of UTC, such as ["up", "unknown"]; empty for nothing.
               An endpoint's own twin has the milliseconds of each

Instants are ISO 8601 in UTC or null; `error_kind` is null without a failure or once it is out of date,
`latency_ms` without a fresh good answer.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from healthcheck.engine.strips import Mark
from healthcheck.engine.types import State
from healthcheck.engine.uptime import Condition, Totals, from_ms, to_ms
from healthcheck.models import Resolution
from healthcheck.web.board import Board, EndpointView, GroupView
from healthcheck.web.uptime import Span
from healthcheck.web.verdict import judge_board
from healthcheck.web.words import describe_reason, shorten_name

_WORDS = {str(state.value): state.word for state in State}
_SPENT = tuple(field.name for field in fields(Totals))
_OCCURRENCES = tuple((Mark[condition.name], condition) for condition in Condition)


def describe_board(board: Board, now: datetime) -> dict[str, Any]:
    """Return the JSON twin of a page as it stands at `now`."""
    verdict, span = judge_board(board), board.span
    return {
        "page": {"slug": board.slug, "title": board.title},
        "verdict": {"state": verdict.state.word, "sentence": verdict.sentence},
        "checker": {
            "is_behind": bool(board.checker_faults),
            "faults": [{"lag": fault.lag.value, "since": write_instant(fault.since)} for fault in board.checker_faults],
        },
        "newest_result_at": write_instant(board.newest_result_at),
        "period": describe_span(span, now) if span else None,
        "groups": [
            {"section": shorten_name(section.title)} | _describe_group(group, span)
            for section in board.sections
            for group in section.groups
        ],
    }


def describe_span(span: Span, now: datetime) -> dict[str, Any]:
    """Return which period it is, and when nothing was measured in it."""
    return {
        "key": span.period.key,
        "resolution": Resolution(span.period.resolution).name.lower(),
        "start": write_instant(span.period.find_start(now)),
        "measured_since": write_ms(span.known_from_ms),
        "end": write_instant(from_ms(to_ms(now))),
        "counts_degraded_as_good": span.counts_degraded,
        "blind": [
            {"start": write_instant(from_ms(each.start_ms)), "end": write_instant(from_ms(each.end_ms))}
            for each in span.blind
        ],
    }


def describe_totals(totals: Totals, *, counts_degraded: bool) -> dict[str, Any]:
    """Return the milliseconds per condition, and what they come to."""
    uptime, unknown = totals.uptime(counts_degraded=counts_degraded), totals.unknown_share()
    return {
        "uptime": None if uptime is None else float(uptime),
        "unknown_share": None if unknown is None else float(unknown),
        **{name: getattr(totals, name) for name in _SPENT},
    }


def _describe_group(group: GroupView, span: Span | None) -> dict[str, Any]:
    return {
        "slug": group.slug or None,
        "name": None if group.is_loose else shorten_name(group.name),
        "state": group.state.word,
        "is_paused": group.is_paused,
        "uptime": _describe_uptime(group.totals, span),
        "endpoints": [describe_endpoint(endpoint, span) for endpoint in group.endpoints],
    }


def describe_endpoint(endpoint: EndpointView, span: Span | None = None) -> dict[str, Any]:
    seen, uptime = endpoint.sighting, endpoint.uptime
    return {
        "id": endpoint.id,
        "name": shorten_name(endpoint.name),
        "state": endpoint.state.word,
        "is_paused": endpoint.is_paused,
        "in_maintenance": endpoint.in_maintenance,
        "is_checked": endpoint.is_checked,
        "since": write_instant(seen.since),
        "error_kind": seen.error_kind.word if seen.error_kind and not seen.has_ceased else None,
        "reason": describe_reason(endpoint),
        "latency_ms": endpoint.latency_us / 1000 if endpoint.latency_us else None,
        "observed_at": write_instant(seen.observed_at),
        "strip": [_WORDS[digit] for digit in seen.strip if digit in _WORDS],
        "uptime": _describe_uptime(uptime.totals, span) if uptime else None,
        "buckets": [_name_occurrences(mark) for mark in uptime.marks] if uptime else [],
    }


def _describe_uptime(totals: Totals, span: Span | None) -> dict[str, Any] | None:
    has_history = span is not None and totals.total_ms > 0
    return describe_totals(totals, counts_degraded=span.counts_degraded) if span and has_history else None


@lru_cache(maxsize=128)
def _name_occurrences(mark: int) -> list[str]:
    return [condition.word for bit, condition in _OCCURRENCES if mark & bit]


def write_ms(at_ms: int | None) -> str | None:
    return None if at_ms is None else write_instant(from_ms(at_ms))


def write_instant(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
