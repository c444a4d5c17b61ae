"""The words of the public pages, translated: states, ages, reasons. A reason is the ErrorKind's sentence, no more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timesince import timesince
from django.utils.timezone import localtime
from django.utils.translation import gettext, gettext_lazy, ngettext

from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.types import State
from healthcheck.web.board import EndpointView, GroupView
from healthcheck.web.freshness import CheckerFault, Lag

STATE_WORDS: Mapping[State, Promise] = {
    State.UNKNOWN: gettext_lazy("Unknown"),
    State.UP: gettext_lazy("Up"),
    State.DEGRADED: gettext_lazy("Degraded"),
    State.DOWN: gettext_lazy("Down"),
}
LAG_SENTENCES: Mapping[Lag, Promise] = {
    Lag.NEVER_TICKED: gettext_lazy("The scheduler has never run, so nothing is being checked."),
    Lag.SILENT: gettext_lazy("The scheduler has been silent since %(at)s (%(age)s), so nothing new is being checked."),
    Lag.OVERDUE: gettext_lazy("Checks that were due at %(at)s (%(age)s) have not been started."),
    Lag.WAITING: gettext_lazy("No worker has taken the checks that were due at %(at)s (%(age)s)."),
    Lag.NO_RESULTS: gettext_lazy("The last results expired at %(at)s (%(age)s), and no new ones have come in."),
}
# Names are bounded by their column; databases that do not enforce that must not grow the page.
MAX_NAME_LENGTH = 200


def describe_state(endpoint: EndpointView) -> str:
    """Return the word beside the icon."""
    return str(STATE_WORDS[endpoint.state]) if endpoint.is_checked else gettext("Not checked yet")


def describe_instant(at: datetime, *, with_seconds: bool = True) -> str:
    """Return an absolute time with its zone, such as “1 Jul 2026, 12:00:05 UTC”, in the project's time zone."""
    return date_format(localtime(at), "j M Y, H:i:s T" if with_seconds else "j M Y, H:i T")


def describe_age(at: datetime, now: datetime) -> str:
    """Return how long ago that was in its one largest unit: steady for a minute, so that the ETag is, too."""
    if (now - at).total_seconds() < 60:
        return gettext("less than a minute ago")
    return gettext("%(age)s ago") % {"age": timesince(at, now, depth=1).replace("\xa0", " ")}


def describe_reason(endpoint: EndpointView) -> str:
    """Return the one sentence that says why, empty where there is nothing to explain."""
    seen = endpoint.sighting
    reason = gettext(SENTENCES[seen.error_kind]) if seen.error_kind is not None else ""
    if seen.is_expired:
        return reason if reason and not seen.has_ceased else gettext("There is no fresh result.")
    if endpoint.state is State.UP and reason:
        return gettext("The last check failed, which is not confirmed yet: %(reason)s") % {"reason": reason}
    if endpoint.state in {State.DEGRADED, State.DOWN} and seen.last_verdict is State.UP:
        return gettext("The last check was good, which is not confirmed yet.")
    return reason


def describe_latency(latency_us: int) -> str:
    """Return milliseconds below a second and seconds above, with the digits that matter."""
    if latency_us < 10_000:
        return gettext("%(number)s ms") % {"number": f"{latency_us / 1000:.1f}"}
    if latency_us < 999_500:
        return gettext("%(number)s ms") % {"number": round(latency_us / 1000)}
    return gettext("%(number)s s") % {"number": f"{latency_us / 1_000_000:.1f}"}


def describe_strip(strip: str) -> str:
    """Return the text alternative of a strip of verdicts, such as “57 of the last 60 checks up, 3 down”."""
    if not strip:
        return gettext("No checks yet")
    up = strip.count(str(State.UP.value))
    parts = [
        ngettext("%(up)s of the last %(total)s check up", "%(up)s of the last %(total)s checks up", len(strip))
        % {"up": up, "total": len(strip)}
    ]
    parts.extend(
        f"{strip.count(str(state.value))} {str(STATE_WORDS[state]).lower()}"
        for state in (State.DEGRADED, State.DOWN, State.UNKNOWN)
        if str(state.value) in strip
    )
    return ", ".join(parts)


def describe_counts(group: GroupView) -> str:
    """Return how many of a group are in which state, worst first, such as “1 down, 4 up”; paused ones apart."""
    if not group.endpoints:
        return gettext("No endpoints yet")
    if group.is_paused:
        return ngettext("%(count)s endpoint", "%(count)s endpoints", len(group.endpoints)) % {
            "count": len(group.endpoints)
        }
    states = [endpoint.state for endpoint in group.active]
    parts = [
        f"{states.count(state)} {str(STATE_WORDS[state]).lower()}"
        for state in (State.DOWN, State.DEGRADED, State.UNKNOWN, State.UP)
        if state in states
    ]
    if paused := len(group.endpoints) - len(states):
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
