"""Turns the past of an endpoint into what its page shows: periods, bars, percentiles, failures, a year."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext, ngettext, pgettext

from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.latencies import Latencies, Part
from healthcheck.engine.strips import Mark, mark
from healthcheck.engine.types import ErrorKind
from healthcheck.engine.uptime import Totals, from_ms
from healthcheck.models import Resolution
from healthcheck.web.bars import draw_bars
from healthcheck.web.calendar import draw_calendar, find_day, find_first_day, number_day
from healthcheck.web.choosing import write_query
from healthcheck.web.past import PERCENTILES, Answers, Bucket, Past, merge
from healthcheck.web.percentile_chart import DIVISIONS, Columns, draw_percentiles, find_top
from healthcheck.web.uptime import LENGTHS_MS, PERIODS, Span
from healthcheck.web.uptime_words import (
    PERIOD_WORDS,
    UNITS,
    describe_interval,
    describe_marks,
    describe_rule,
    describe_start,
    describe_total,
    describe_unknown,
    describe_uptime,
    describe_utc_day,
)
from healthcheck.web.words import PHASE_WORDS, describe_latency

_PHASES = {
    "resolve": Part.RESOLVE,
    "connect": Part.CONNECT,
    "tls": Part.TLS,
    "headers": Part.HEADERS,
    "body": Part.BODY,
}
_NONE = "–"


def build_past(past: Past, span: Span, now: datetime) -> dict[str, Any]:
    """Return the template's context."""
    shown = past.sum_up(span.period, now)
    buckets = past.list_buckets(span.period, now)
    answers = merge(bucket for _number, bucket in buckets)
    columns = [_find_percentiles(bucket.latencies) for _number, bucket in buckets]
    return {
        "periods": [_build_period(past, replace(span, period=period), now, span) for period in PERIODS],
        "word": PERIOD_WORDS[span.period.key],
        "bars": draw_bars(shown.marks, UNITS[span.period.resolution]) if any(shown.marks) else "",
        "words": describe_marks(shown.marks, UNITS[span.period.resolution]),
        "start": describe_start(span, now),
        "rule": describe_rule(span),
        "blind": [describe_interval(interval) for interval in reversed(span.blind)],
        "key": span.period.key,
        "chart": _build_chart(answers, columns) if any(columns) else None,
        "failures": _build_failures(answers),
        "rows": [_build_row(number, bucket, span) for number, bucket in reversed(buckets) if bucket.totals.total_ms],
        "calendar": build_calendar(past.days, span, now),
    }


def build_calendar(days: Mapping[int, Bucket], span: Span, now: datetime) -> dict[str, Any]:
    """Return the year as a picture and as a table of its months, with every day that was not simply up."""
    first = number_day(find_first_day(now.astimezone(UTC).date()))
    marks = {number: mark(bucket.totals) for number, bucket in days.items() if number >= first}
    months: dict[date, list[tuple[int, Bucket]]] = {}
    for number in sorted(marks, reverse=True):
        months.setdefault(find_day(number).replace(day=1), []).append((number, days[number]))
    total = sum((days[number].totals for number in marks), Totals())
    summary = gettext("The last 53 weeks: %(uptime)s") % {"uptime": describe_total(total, span)}
    return {
        "svg": draw_calendar(marks, now, title=f"{summary}. {describe_marks(bytes(marks.values()), 'day')}"),
        "summary": summary,
        "months": [_build_month(month, held, span) for month, held in months.items()],
    }


def _build_period(past: Past, span: Span, now: datetime, shown: Span) -> dict[str, Any]:
    totals = past.sum_up(span.period, now).totals
    return {
        "word": PERIOD_WORDS[span.period.key],
        "href": write_query(span.period.key) or "./",
        "is_current": span.period is shown.period,
        "uptime": describe_uptime(totals, counts_degraded=span.counts_degraded) or gettext("No data"),
        "unknown": describe_unknown(totals),
    }


def _find_percentiles(latencies: Latencies | None) -> tuple[int, ...] | None:
    found = [latencies.find_percentile(percent) for percent in PERCENTILES] if latencies else []
    known = tuple(value for value in found if value is not None)
    return known or None


def _build_chart(answers: Answers, columns: Columns) -> dict[str, Any]:
    top = find_top(columns)
    whole = _write_percentiles(answers.latencies, Part.TOTAL)
    summary = gettext("Half of the answers took at most %(p50)s, 95%% at most %(p95)s, 99%% at most %(p99)s.") % dict(
        zip(("p50", "p95", "p99"), whole, strict=True)
    )
    phases = [
        (PHASE_WORDS[name], _write_percentiles(answers.latencies, part))
        for name, part in _PHASES.items()
        if answers.latencies.count(part)
    ]
    return {
        "svg": draw_percentiles(columns, title=gettext("Response time"), description=summary),
        "scale": [*(describe_latency(top * line / DIVISIONS) for line in range(DIVISIONS, 0, -1)), "0"],
        "percentiles": list(zip(PERCENTILES, whole, strict=True)),
        "summary": summary,
        "count": ngettext(
            "Of %(count)s answered check, up to the last full hour; each figure is at most 2%% off.",
            "Of %(count)s answered checks, up to the last full hour; each figure is at most 2%% off.",
            answers.latencies.count(),
        )
        % {"count": number_format(answers.latencies.count(), force_grouping=True)},
        "phases": [*phases, (gettext("Whole check"), whole)],
    }


def _write_percentiles(latencies: Latencies, part: Part) -> list[str]:
    found = [latencies.find_percentile(percent, part) for percent in PERCENTILES]
    return [_NONE if value is None else describe_latency(value) for value in found]


def _build_failures(answers: Answers) -> list[tuple[str, str]]:
    """Return why checks failed or measured nothing, the most frequent first."""
    sentences: Counter[str] = Counter()
    for kind, count in answers.errors.items():
        sentences[gettext(SENTENCES[ErrorKind(kind)])] += count
    return [
        (sentence, number_format(count, force_grouping=True))
        for sentence, count in sorted(sentences.items(), key=lambda each: (-each[1], each[0]))
    ]


def _build_row(number: int, bucket: Bucket, span: Span) -> dict[str, Any]:
    start = from_ms(number * LENGTHS_MS[span.period.resolution])
    is_hour = span.period.resolution is Resolution.HOUR
    return _describe_totals(bucket.totals, span) | {
        "time": f"{describe_utc_day(start)}, {start:%H:%M}" if is_hour else describe_utc_day(start),
        "count": number_format(bucket.count, force_grouping=True),
        "percentiles": _write_percentiles(bucket.latencies or Latencies(), Part.TOTAL),
    }


def _build_month(month: date, held: list[tuple[int, Bucket]], span: Span) -> dict[str, Any]:
    total = sum((bucket.totals for _number, bucket in held), Totals())
    troubled = [(number, bucket.totals) for number, bucket in held if mark(bucket.totals) != Mark.UP]
    return _describe_totals(total, span) | {
        # Translators: the format of a month in Django's letters, such as “Jul 2026”.
        "name": date_format(month, pgettext("format of a month", "M Y")),
        "days": [
            {"day": date_format(find_day(number), pgettext("format of a date", "j M Y"))} | _describe_totals(each, span)
            for number, each in troubled
        ],
    }


def _describe_totals(totals: Totals, span: Span) -> dict[str, Any]:
    return {
        "uptime": describe_uptime(totals, counts_degraded=span.counts_degraded) or _NONE,
        "unknown": _describe_length(totals.unknown_ms),
        "down": _describe_length(totals.down_ms),
        "degraded": _describe_length(totals.degraded_ms),
        "maintenance": _describe_length(totals.maintenance_ms),
        "excluded": _describe_length(totals.excluded_ms),
    }


def _describe_length(length_ms: int) -> str:
    """Return hours, minutes and seconds, such as 1:05:00; empty for none, and never none for less than a second."""
    if not length_ms:
        return ""
    seconds = -(-length_ms // 1000)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
