"""Turns maintenance windows into the spans of their endpoints: when one starts, while it is open, and when it changes.

1. A window's clock says when there is next something to do: a sweep without any is one look at an index.
2. Whoever holds the clock's row holds the window; another scheduler passes it over.
3. Spans of the future are remade, of what is running the end is moved, and what is over stays as it was.

Each window is a constant number of statements, whatever it covers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice, takewhile

from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from healthcheck.engine.recurrence import Occurrence
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import Endpoint, MaintenanceSpan, MaintenanceWindow, WindowClock
from healthcheck.pipeline.marks import mark_hours
from healthcheck.pipeline.statements import change, write_instant

logger = logging.getLogger(__name__)

# Spans are written so long before they begin: a run that is taken at the very start finds them.
LEAD = timedelta(minutes=1)
# How often an open window looks for endpoints that joined or left.
LOOK_AGAIN = timedelta(seconds=15)
# An instant further ahead than this was written by a clock that has been set back since.
FUTURE = timedelta(minutes=1)
# Windows of one sweep and occurrences of one window in it: bounds its time; the next sweep follows within a second.
WINDOW_BATCH = 10
OCCURRENCE_BATCH = 20
# What passed longer ago while no scheduler ran is not caught up: nothing was measured then, either.
CATCH_UP = timedelta(days=31)
# A window whose time zone vanished from the system is tried again after this.
UNREADABLE_RETRY = timedelta(hours=1)
REFUSED_RETRY = timedelta(minutes=1)


def maintain(now: datetime) -> int:
    """Do what is due, at most `WINDOW_BATCH` windows, the most overdue first; return how many they were."""
    due = WindowClock.objects.filter(next_at__lte=now).order_by("next_at")
    ids = list(due.values_list("pk", flat=True)[:WINDOW_BATCH])
    return sum(_visit_alone(window_id, now) for window_id in ids)


def replan_windows(window_ids: Iterable[int], now: datetime) -> None:
    """Make the spans follow what a person has just saved, within that person's transaction; new windows, too."""
    with transaction.atomic():
        for window in MaintenanceWindow.objects.filter(pk__in=list(window_ids)).order_by("pk"):
            WindowClock.objects.get_or_create(window=window, defaults={"spanned_until": now, "next_at": now})
            clock = WindowClock.objects.select_for_update().get(pk=window.pk)
            MaintenanceSpan.objects.filter(window_id=window.pk, starts_at__gt=now).delete()
            clock.spanned_until = now
            _advance(window, clock, now)


def realign_windows(now: datetime) -> int:
    """Plan anew the windows that were stored past the forms, and those that were read by a clock that has been set back
    since. Returns how many.
    """
    astray = Q(clock__isnull=True) | Q(clock__spanned_until__gt=now + LEAD + FUTURE)
    ids = list(MaintenanceWindow.objects.filter(astray).order_by("pk").values_list("pk", flat=True)[:WINDOW_BATCH])
    replan_windows(ids, now)
    return len(ids)


def close_windows(window_ids: Iterable[int], now: datetime) -> None:
    """End what is running of windows that are about to be deleted, and forget what was to come."""
    spans = MaintenanceSpan.objects.filter(window_id__in=list(window_ids), ends_at__gt=now)
    spans.filter(starts_at__gt=now).delete()
    spans.update(ends_at=now)


def _visit_alone(window_id: int, now: datetime) -> bool:
    try:
        return _visit(window_id, now)
    except (IntegrityError, DataError) as error:
        # One window that the database refuses must not stop the others, sweep after sweep.
        logger.error("window cannot be maintained", extra={"window": window_id, "error": type(error).__name__})
        WindowClock.objects.filter(pk=window_id).update(next_at=now + REFUSED_RETRY)
        return False


def _visit(window_id: int, now: datetime) -> bool:
    with transaction.atomic():
        clocks = WindowClock.objects.filter(pk=window_id, next_at__lte=now).select_related("window")
        if connection.features.has_select_for_update:
            clocks = clocks.select_for_update(of=("self",), skip_locked=True)
        clock = clocks.first()
        if clock is None:
            # Another scheduler has it, or has had it.
            return False
        _advance(clock.window, clock, now)
    return True


def _advance(window: MaintenanceWindow, clock: WindowClock, now: datetime) -> None:
    try:
        _write_starting(window, clock, now)
        # First all that passed is caught up: of what is running now somebody may have missed the start.
        clock.next_at = now if clock.spanned_until < now else _settle(window, clock, now)
    except ConfigurationError as error:
        # What was saved past the forms, or a time zone that vanished from the system.
        logger.warning("maintenance window cannot be read", extra={"window": window.pk, "field": error.field})
        clock.next_at = now + UNREADABLE_RETRY
    # Its window is people's, and this row all of it machines'.
    clock.save()


def _write_starting(window: MaintenanceWindow, clock: WindowClock, now: datetime) -> None:
    """Write the spans of what starts within `LEAD`, and of what began since the last visit while nobody looked."""
    horizon = now + LEAD
    since = max(clock.spanned_until, now - CATCH_UP)
    starting = takewhile(lambda each: each.starts_at <= horizon, window.timetable.iterate(since))
    found = list(islice(starting, OCCURRENCE_BATCH))
    for occurrence in map(window.cut, found):
        _insert_spans(window.find_scope(), window, occurrence)
        if occurrence.starts_at < now:
            _mark_late(window, occurrence, now)
    is_all = len(found) < OCCURRENCE_BATCH
    clock.spanned_until = max(clock.spanned_until, horizon) if is_all else found[-1].starts_at


def _settle(window: MaintenanceWindow, clock: WindowClock, now: datetime) -> datetime | None:
    """Bring what is running up to date, and return when to look again."""
    running = window.find_open(now)
    _settle_running(window, running, now)
    clock.open_since = min((each.starts_at for each in running), default=None)
    clock.open_until = max((each.ends_at for each in running), default=None)
    # At its end for the last time: that nothing runs any more is written down, too.
    due = [min(now + LOOK_AGAIN, clock.open_until)] if clock.open_until else []
    following = window.timetable.find_next(now)
    clock.next_starts_at, clock.next_ends_at = (following.starts_at, following.ends_at) if following else (None, None)
    if following is not None:
        is_written = following.starts_at <= clock.spanned_until
        due.append(following.starts_at if is_written else following.starts_at - LEAD)
    return min(due, default=None)


def _settle_running(window: MaintenanceWindow, running: Sequence[Occurrence], now: datetime) -> None:
    spans = MaintenanceSpan.objects.holding(now).filter(window_id=window.pk)
    if not running:
        spans.update(ends_at=now)
        return
    ends_at = max(each.ends_at for each in running)
    scope = window.find_scope()
    spans.exclude(endpoint_id__in=scope.values("pk")).update(ends_at=now)
    spans.exclude(ends_at=ends_at).update(ends_at=ends_at)
    joined = scope.exclude(Exists(spans.filter(endpoint_id=OuterRef("pk"))))
    _insert_spans(joined, window, Occurrence(now, ends_at))


def _mark_late(window: MaintenanceWindow, occurrence: Occurrence, now: datetime) -> None:
    """What was written late may lie in hours that are rolled up already."""
    late = MaintenanceSpan.objects.filter(window_id=window.pk, starts_at=occurrence.starts_at)
    ids = late.values_list("endpoint_id", flat=True)
    mark_hours(ids, start=occurrence.starts_at, end=occurrence.ends_at, now=now)


def _insert_spans(endpoints: QuerySet[Endpoint], window: MaintenanceWindow, occurrence: Occurrence) -> None:
    scope, params = endpoints.values("id").query.sql_with_params()
    table = MaintenanceSpan._meta.db_table
    statement = f"""
        INSERT INTO {table} (endpoint_id, window_id, starts_at, ends_at)
        SELECT s.id, %s, %s, %s FROM ({scope}) s WHERE true
        ON CONFLICT (endpoint_id, starts_at, window_id) DO NOTHING
    """  # noqa: S608  # our own names, and a statement of the ORM
    instants = (write_instant(occurrence.starts_at), write_instant(occurrence.ends_at))
    change(statement, window.pk, *instants, *params)
