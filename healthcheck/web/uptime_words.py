"""The words of uptime, translated: percentages that never flatter, shares, what bars show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, gettext_lazy, ngettext_lazy, pgettext

from healthcheck.engine.strips import Mark
from healthcheck.engine.uptime import DAY_MS, Condition, Totals, from_ms, to_ms
from healthcheck.models import Resolution
from healthcheck.web.uptime import Interval, Span

PERIOD_WORDS: Mapping[str, Promise] = {
    "now": gettext_lazy("Now"),
    "24h": gettext_lazy("24 hours"),
    "7d": gettext_lazy("7 days"),
    "30d": gettext_lazy("30 days"),
    "90d": gettext_lazy("90 days"),
}
CONDITION_WORDS: Mapping[Condition, Promise] = {
    Condition.UP: gettext_lazy("Up"),
    Condition.DEGRADED: gettext_lazy("Degraded"),
    Condition.DOWN: gettext_lazy("Down"),
    Condition.UNKNOWN: gettext_lazy("Not measured"),
    Condition.MAINTENANCE: gettext_lazy("Maintenance"),
    Condition.EXCLUDED: gettext_lazy("Excluded"),
}
UNITS: Mapping[Resolution, str] = {Resolution.HOUR: "hour", Resolution.DAY: "day"}
_COUNTS: Any = {  # lazy, which the types of Django's function do not know
    "hour": ngettext_lazy("%(count)d hour", "%(count)d hours", "count"),
    "day": ngettext_lazy("%(count)d day", "%(count)d days", "count"),
}
# In the order of what a reader wants to know first.
_OCCURRENCES: Mapping[Mark, Promise] = {
    Mark.DOWN: gettext_lazy("down in %(count)s"),
    Mark.DEGRADED: gettext_lazy("degraded in %(count)s"),
    Mark.UNKNOWN: gettext_lazy("not measured at times in %(count)s"),
    Mark.MAINTENANCE: gettext_lazy("maintenance in %(count)s"),
    Mark.EXCLUDED: gettext_lazy("excluded in %(count)s"),
}


def describe_uptime(totals: Totals, *, counts_degraded: bool, language: str | None = None) -> str:
    """Return uptime in percent, rounded down: 100 only without any other second. Empty where nothing is known."""
    good, known = totals.good_ms(counts_degraded=counts_degraded), totals.known_ms
    return _describe_percent(good * 10_000 // known, language or get_language()) if known else ""


def describe_unknown(totals: Totals, language: str | None = None) -> str:
    """Return which share of the time was not measured, such as “3% not measured”; empty for none."""
    share = totals.unknown_share()
    return _describe_unmeasured(_round_share(share), language or get_language()) if share else ""


def describe_marks(marks: bytes, unit: str, language: str | None = None) -> str:
    """Return the text alternative of bars, such as “90 days: down in 2 days”."""
    known = len(marks) - marks.count(0)
    if not known:
        return gettext("No data")
    seen = {bit: sum(1 for each in marks if each & bit) for bit in _OCCURRENCES}
    parts = [str(_OCCURRENCES[bit]) % {"count": _count(count, unit)} for bit, count in seen.items() if count]
    return gettext("%(span)s: %(what)s") % {
        "span": _count(known, unit),
        "what": ", ".join(parts) or gettext("up throughout"),
    }


def describe_start(span: Span, now: datetime) -> str:
    """Return since when the period counts, in UTC, such as “since 3 Jul 2026” or “since 3 Jul 2026, 14:00 UTC”."""
    start = span.find_start(now)
    day = describe_utc_day(start)
    if span.period.resolution is Resolution.DAY and to_ms(start) % DAY_MS == 0:
        return gettext("since %(day)s") % {"day": day}
    return gettext("since %(day)s, %(time)s UTC") % {"day": day, "time": f"{start:%H:%M}"}


def describe_rule(span: Span) -> str:
    """Return what counts as good."""
    if span.counts_degraded:
        return gettext("Degraded counts as good.")
    return gettext("Degraded does not count as good.")


def describe_total(totals: Totals, span: Span) -> str:
    """Return uptime and what was not measured in one line, such as “99.98%, 0.3% not measured”."""
    uptime = describe_uptime(totals, counts_degraded=span.counts_degraded)
    return ", ".join(each for each in (uptime or gettext("No data"), describe_unknown(totals)) if each)


def describe_interval(interval: Interval) -> str:
    """Return from when to when, such as “3 Jul 2026, 14:00 to 16:00 UTC”."""
    start, end = from_ms(interval.start_ms), from_ms(interval.end_ms)
    times = {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}", "day": describe_utc_day(start)}
    if start.date() == end.date():
        return gettext("%(day)s, %(start)s to %(end)s UTC") % times
    return gettext("%(day)s, %(start)s to %(until)s, %(end)s UTC") % (times | {"until": describe_utc_day(end)})


def describe_utc_day(at: datetime) -> str:
    return date_format(at.astimezone(UTC).date(), pgettext("format of a date", "j M Y"))


def _round_share(share: Fraction) -> int:
    """Return tenths of a percent, whole percents from ten on; never all of it unless it is, and 0 for very little."""
    tenths = int(share * 1000)
    return tenths if tenths < 100 else tenths // 10 * 10


@lru_cache(maxsize=4096)
def _describe_percent(hundredths: int, _language: str | None) -> str:
    decimals = 0 if hundredths == 10_000 else 2
    return gettext("%(number)s%%") % {"number": number_format(hundredths / 100, decimal_pos=decimals)}


@lru_cache(maxsize=1024)
def _describe_unmeasured(tenths: int, _language: str | None) -> str:
    if not tenths:
        return gettext("less than 0.1%% not measured") % {}
    decimals = 1 if tenths % 10 else 0
    return gettext("%(number)s%% not measured") % {"number": number_format(tenths / 10, decimal_pos=decimals)}


def _count(count: int, unit: str) -> str:
    return str(_COUNTS[unit] % {"count": count})
