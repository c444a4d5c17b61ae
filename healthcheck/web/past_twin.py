"""The past of an endpoint as JSON, with keys that stay; `endpoint_twin` documents them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from healthcheck.engine.latencies import ERROR_DIVISOR, Latencies, Part
from healthcheck.engine.types import ErrorKind
from healthcheck.engine.uptime import from_ms
from healthcheck.models import Resolution
from healthcheck.web.json_twin import describe_span, describe_totals, write_instant, write_ms
from healthcheck.web.past import PERCENTILES, Bucket, Past, merge
from healthcheck.web.uptime import LENGTHS_MS, PERIODS, Span, Uptime


def describe_past(past: Past, span: Span, now: datetime) -> dict[str, Any]:
    """Return all periods, the answers of the one that is shown, and every hour and day."""
    buckets = past.list_buckets(span.period, now)
    answers = merge(bucket for _number, bucket in buckets)
    hours = PERIODS[0].find_bounds(now)
    return {
        "period": describe_span(span, now),
        "periods": {
            period.key: {"start": write_instant(period.find_start(now))}
            | _describe_uptime(past.sum_up(period, now), span)
            for period in PERIODS
        },
        "answers": {
            "count": answers.count,
            "unknown_count": answers.unknown_count,
            "error_counts": {ErrorKind(kind).word: count for kind, count in sorted(answers.errors.items())},
            "percentiles_ms": _find_percentiles(answers.latencies, Part.TOTAL),
            "phases_ms": {
                part.name.lower(): _find_percentiles(answers.latencies, part) for part in Part if part is not Part.TOTAL
            },
            "relative_error": 1 / ERROR_DIVISOR,
        },
        "hours": _list(Resolution.HOUR, ((n, b) for n, b in past.hours.items() if hours[0] <= n <= hours[1])),
        "days": _list(Resolution.DAY, past.days.items()),
    }


def _describe_uptime(uptime: Uptime, span: Span) -> dict[str, Any]:
    measured_since = {"measured_since": write_ms(uptime.known_from_ms)}
    return measured_since | describe_totals(uptime.totals, counts_degraded=span.counts_degraded)


def _list(resolution: Resolution, buckets: Iterable[tuple[int, Bucket]]) -> list[dict[str, Any]]:
    return [
        {
            "at": write_instant(from_ms(number * LENGTHS_MS[resolution])),
            **asdict(bucket.totals),
            "count": bucket.count,
            "unknown_count": bucket.unknown_count,
            "percentiles_ms": _find_percentiles(bucket.latencies, Part.TOTAL),
        }
        for number, bucket in sorted(buckets, key=lambda each: each[0])
    ]


def _find_percentiles(latencies: Latencies | None, part: Part) -> dict[str, float] | None:
    if latencies is None or not latencies.count(part):
        return None
    found = {str(percent): latencies.find_percentile(percent, part) for percent in PERCENTILES}
    return {percent: value / 1000 for percent, value in found.items() if value is not None}
