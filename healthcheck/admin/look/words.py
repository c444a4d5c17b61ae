"""The words of the admin: schedules, instants, durations and what became of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from healthcheck.models import CheckRun, EndpointGroup, Reason, RunStatus

_UNITS: Sequence[tuple[int, Callable[[int], str]]] = (
    (86_400, lambda count: ngettext("every day", "every %(count)s days", count)),
    (3_600, lambda count: ngettext("every hour", "every %(count)s hours", count)),
    (60, lambda count: ngettext("every minute", "every %(count)s minutes", count)),
    (1, lambda count: ngettext("every second", "every %(count)s seconds", count)),
)


# What a form shows where there is nothing: Django's own would write None.
NOTHING = "–"


def describe_schedule(group: EndpointGroup) -> str:
    """Return “every 5 minutes”, or the cron expression with its time zone."""
    if group.interval_seconds is None:
        return _("cron %(expression)s, %(timezone)s") % {"expression": group.cron, "timezone": group.timezone}
    for seconds, phrase in _UNITS:
        count, rest = divmod(group.interval_seconds, seconds)
        if count and not rest:
            return phrase(count) % {"count": count}
    return ""


def describe_instant(at: datetime | None) -> str:
    """Return the absolute time in the project's time zone, with its name; empty for none."""
    # Beside the string, whose own calls are not found when texts are collected.
    day = pgettext("format of a date", "j M Y")
    return date_format(localtime(at), f"{day}, H:i:s T") if at else ""


def describe_moment(at: datetime | None) -> str:
    """Return the time without its year, for the narrow columns of a list; empty for none."""
    day = pgettext("format of a date", "j M")
    return date_format(localtime(at), f"{day}, H:i:s T") if at else ""


def describe_duration(duration_us: int) -> str:
    """Return milliseconds below ten seconds and seconds above, with the digits that matter."""
    if duration_us < 10_000:
        return _("%(number)s ms") % {"number": f"{duration_us / 1_000:.1f}"}
    if duration_us < 10_000_000:
        return _("%(number)s ms") % {"number": f"{duration_us / 1_000:.0f}"}
    return _("%(number)s s") % {"number": f"{duration_us / 1_000_000:.1f}"}


def describe_lateness(run: CheckRun) -> str:
    """Return how long after its slot the run started; empty for a run that never started."""
    lateness_ms = run.lateness_ms
    return "" if lateness_ms is None else _("%(duration)s late") % {"duration": describe_duration(lateness_ms * 1000)}


def describe_status(run: CheckRun) -> str:
    """Return the run's status, why it did not finish, and how many slots a gap covers."""
    words = str(RunStatus(run.status).label)
    if run.reason:
        words = _("%(status)s: %(reason)s") % {"status": words, "reason": Reason(run.reason).label}
    if run.slot_count > 1:
        words += " " + ngettext("(%(count)s slot)", "(%(count)s slots)", run.slot_count) % {"count": run.slot_count}
    return words


def describe_age(seconds: float) -> str:
    """Return how long something has lasted, by its largest unit; what lies ahead of the clock lasts no time."""
    for unit_seconds, word in ((86_400, _("%(count)s d")), (3_600, _("%(count)s h")), (60, _("%(count)s min"))):
        if seconds >= unit_seconds:
            return word % {"count": int(seconds // unit_seconds)}
    return _("%(count)s s") % {"count": max(0, int(seconds))}
