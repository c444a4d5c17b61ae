"""The words of the public pages, translated: states, ages, reasons. A reason is the ErrorKind's sentence, no more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.timesince import timesince
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext, gettext_lazy, ngettext, ngettext_lazy, pgettext

from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.types import ErrorKind, State
from healthcheck.web.board import EndpointView, GroupView, count_maintained
from healthcheck.web.freshness import CheckerFault, Lag

STATE_WORDS: Mapping[State, Promise] = {
    State.UNKNOWN: gettext_lazy("Unknown"),
    State.UP: gettext_lazy("Up"),
    State.DEGRADED: gettext_lazy("Degraded"),
    State.DOWN: gettext_lazy("Down"),
}
STATE_COUNTS: Mapping[State, Promise] = {
    State.DOWN: gettext_lazy("%(count)s down"),
    State.DEGRADED: gettext_lazy("%(count)s degraded"),
    State.UNKNOWN: gettext_lazy("%(count)s unknown"),
    State.UP: gettext_lazy("%(count)s up"),
}
PHASE_WORDS: Mapping[str, Promise] = {
    "resolve": gettext_lazy("Name lookup"),
    "connect": gettext_lazy("Connection"),
    "tls": gettext_lazy("Encryption"),
    "headers": gettext_lazy("Wait for the answer"),
    "body": gettext_lazy("Rest of the answer"),
}
LAG_SENTENCES: Mapping[Lag, Promise] = {
    Lag.NEVER_TICKED: gettext_lazy("The scheduler has never run, so nothing is being checked."),
    Lag.SILENT: gettext_lazy("The scheduler has been silent since %(at)s (%(age)s), so nothing new is being checked."),
    Lag.OVERDUE: gettext_lazy("Checks that were due at %(at)s (%(age)s) have not been started."),
    Lag.WAITING: gettext_lazy("No worker has taken the checks that were due at %(at)s (%(age)s)."),
    Lag.NO_RESULTS: gettext_lazy("The last results expired at %(at)s (%(age)s), and no new ones have come in."),
}
# Minutes in an hour, a day and a week: an age is told in the largest of them, so what is smaller is left out first, and
# few ages remain. Months and years depend on the calendar.
_UNITS = (7 * 24 * 60, 24 * 60, 60)
_MAX_PLAIN_AGE = timedelta(days=28)
# Looked up once: in Python 3.11 each look-up of a member on its class is a call.
_UNKNOWN, _UP, _DEGRADED, _DOWN = State
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# Whole phrases: in other languages “ago” changes the word of the unit.
_AGO: Any = {  # lazy, which the types of Django's function do not know
    "year": ngettext_lazy("%(num)d year ago", "%(num)d years ago", "num"),
    "month": ngettext_lazy("%(num)d month ago", "%(num)d months ago", "num"),
    "week": ngettext_lazy("%(num)d week ago", "%(num)d weeks ago", "num"),
    "day": ngettext_lazy("%(num)d day ago", "%(num)d days ago", "num"),
    "hour": ngettext_lazy("%(num)d hour ago", "%(num)d hours ago", "num"),
    "minute": ngettext_lazy("%(num)d minute ago", "%(num)d minutes ago", "num"),
}
# Names are bounded by their column; databases that do not enforce that must not grow the page.
MAX_NAME_LENGTH = 200


# Asking which language is spoken costs more than the answer is worth a thousand times: whoever describes many names it.
def describe_state(endpoint: EndpointView, language: str | None = None) -> str:
    """Return the word beside the icon."""
    return _describe_state(endpoint.state if endpoint.is_checked else None, language or get_language())


def describe_instant(at: datetime, *, with_seconds: bool = True) -> str:
    """Return an absolute time with its zone, such as “1 Jul 2026, 12:00:05 UTC”, in the project's time zone."""
    return describe_local(localtime(at), get_language(), with_seconds=with_seconds)


def describe_local(local: datetime, language: str | None, *, with_seconds: bool) -> str:
    """The same for an instant that is in its time zone already."""
    clock = f"{local.hour:02}:{local.minute:02}" + (f":{local.second:02}" if with_seconds else "")
    return f"{_describe_day(local.date(), language)}, {clock} {local.tzname()}"


def describe_age(at: datetime, now: datetime, language: str | None = None) -> str:
    """Return how long ago that was in its one largest unit: steady for a minute, so that the ETag is, too."""
    age = now - at
    if age >= _MAX_PLAIN_AGE:
        return _describe_ago(at, now)
    minutes = int(age.total_seconds() // 60)
    for unit in _UNITS:
        if minutes >= unit:
            minutes -= minutes % unit
            break
    return _describe_minutes(max(minutes, 0), language or get_language())


def describe_span(length: timedelta) -> str:
    """Return a length of time in its one or two largest units, such as “2 hours, 5 minutes”."""
    seconds = length.total_seconds()
    if seconds < 60:
        count = max(round(seconds), 1)
        return ngettext("%(count)s second", "%(count)s seconds", count) % {"count": count}
    return timesince(_EPOCH, _EPOCH + length, depth=2).replace("\xa0", " ")


def describe_clock(at: datetime) -> str:
    """Return the hours and minutes of an instant in the project's time zone."""
    return f"{localtime(at):%H:%M}"


def describe_reason(endpoint: EndpointView) -> str:
    """Return the one sentence that says why, empty where there is nothing to explain."""
    seen = endpoint.sighting
    reason = gettext(SENTENCES[seen.error_kind]) if seen.error_kind is not None else ""
    if seen.is_expired:
        return reason if reason and not seen.has_ceased else gettext("There is no fresh result.")
    return describe_last_check(seen.state, seen.last_verdict, seen.error_kind)


def describe_last_check(state: State, verdict: State, kind: ErrorKind | None) -> str:
    """Return why it is in this state by its last check, and whether that one is confirmed; empty for nothing to say."""
    reason = gettext(SENTENCES[kind]) if kind is not None else ""
    if reason and verdict is _UNKNOWN and state is not _UNKNOWN:
        return gettext("The last check could not be made, so the state is that of earlier ones: %(reason)s") % {
            "reason": reason
        }
    if reason and (state is _UP or (state is _DEGRADED and verdict is _DOWN)):
        return gettext("The last check failed, which is not confirmed yet: %(reason)s") % {"reason": reason}
    if (state is _DOWN or state is _DEGRADED) and verdict is _UP:
        return gettext("The last check was good, which is not confirmed yet.")
    return reason


def describe_latency(latency_us: float, language: str | None = None) -> str:
    """Return milliseconds below a second and seconds above, with the digits that matter."""
    language = language or get_language()
    if latency_us < 10_000:
        return _describe_milliseconds(round(latency_us / 100), language, decimals=1)
    if latency_us < 999_500:
        return _describe_milliseconds(round(latency_us / 1000), language, decimals=0)
    return _describe_seconds(round(latency_us / 100_000), language)


def describe_strip(strip: str, language: str | None = None) -> str:
    """Return the text alternative of a strip of verdicts, such as “57 of the last 60 checks up, 3 down”."""
    if not strip:
        return gettext("No checks yet")
    counts = (len(strip), strip.count("1"), strip.count("2"), strip.count("3"), strip.count("0"))
    return _describe_checks(counts, language or get_language())


def describe_count(state: State, count: int) -> str:
    """Return how many are in a state, such as “3 down”."""
    return str(STATE_COUNTS[state]) % {"count": count}


def describe_maintained(count: int) -> str:
    """Return how many are in maintenance and do not count."""
    return gettext("%(count)s in maintenance") % {"count": count}


def describe_counts(group: GroupView) -> str:
    """Return how many of a group are in which state, worst first, such as “1 down, 4 up”; paused ones apart."""
    if not group.endpoints:
        return gettext("No endpoints yet")
    if group.is_paused:
        return ngettext("%(count)s endpoint", "%(count)s endpoints", len(group.endpoints)) % {
            "count": len(group.endpoints)
        }
    states = [endpoint.state for endpoint in group.counted]
    active = len(group.active)
    parts = [describe_count(state, states.count(state)) for state in STATE_COUNTS if state in states]
    if len(states) < active:
        parts.append(describe_maintained(count_maintained(group.endpoints)))
    if paused := len(group.endpoints) - active:
        parts.append(gettext("%(count)s paused") % {"count": paused})
    return ", ".join(parts)


def describe_fault(fault: CheckerFault, now: datetime) -> str:
    """Return what is wrong with the checker itself, in plain words."""
    sentence = str(LAG_SENTENCES[fault.lag])
    if fault.since is None:
        return sentence
    return sentence % {"at": describe_instant(fault.since), "age": describe_age(fault.since, now)}


def shorten_name(name: str) -> str:
    return name if len(name) <= MAX_NAME_LENGTH else f"{name[: MAX_NAME_LENGTH - 1]}…"


# The words of a page repeat: a thousand endpoints share few ages, days and latencies. The language is part of the key.
@lru_cache(maxsize=1024)
def _describe_day(day: date, _language: str | None) -> str:
    # Translators: the format of a date in Django's letters, such as “1 Jul 2026”.
    return date_format(day, pgettext("format of a date", "j M Y"))


@lru_cache(maxsize=64)
def _describe_state(state: State | None, _language: str | None) -> str:
    return gettext("Not checked yet") if state is None else str(STATE_WORDS[state])


@lru_cache(maxsize=4096)
def _describe_minutes(minutes: int, _language: str | None) -> str:
    if minutes == 0:
        return gettext("just now")
    return _describe_ago(_EPOCH, _EPOCH + timedelta(minutes=minutes))


def _describe_ago(at: datetime, now: datetime) -> str:
    return timesince(at, now, time_strings=_AGO, depth=1).replace("\xa0", " ")


@lru_cache(maxsize=4096)
def _describe_milliseconds(number: int, _language: str | None, *, decimals: int) -> str:
    return gettext("%(number)s ms") % {"number": number_format(number / 10**decimals, decimal_pos=decimals)}


@lru_cache(maxsize=4096)
def _describe_seconds(tenths: int, _language: str | None) -> str:
    return gettext("%(number)s s") % {"number": number_format(tenths / 10, decimal_pos=1)}


@lru_cache(maxsize=4096)
def _describe_checks(counts: tuple[int, int, int, int, int], _language: str | None) -> str:
    """Return what a strip holds: how many checks, and of them up, degraded, down and unknown."""
    total, up, *others = counts
    first = ngettext("%(up)s of the last %(total)s check up", "%(up)s of the last %(total)s checks up", total)
    rest = zip((_DEGRADED, _DOWN, _UNKNOWN), others, strict=True)
    return ", ".join(
        [first % {"up": up, "total": total}, *(describe_count(state, count) for state, count in rest if count)]
    )
