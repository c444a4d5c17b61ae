"""What a correction changes, in words: uptime before and after, and the corrections that it comes to lie over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from healthcheck.admin.look.words import describe_instant
from healthcheck.models import Correction, CorrectionEffect, Endpoint
from healthcheck.pipeline.foresee import WINDOW_DAYS, Foresight

# More than a person compares; the number of the others says enough.
MAX_CONFLICTS = 20
_UNITS = (86_400, 3600, 60, 1)


def describe_foresight(seen: Foresight) -> list[dict[str, Any]]:
    """Return a row for the interval itself and for each window: its name, and what it is before and after."""
    return [_describe_row(name, *totals) for name, totals in zip(_name_rows(), _pair(seen), strict=True)]


def name_windows() -> list[str]:
    return [_name_window(days) for days in WINDOW_DAYS]


def describe_endpoint_row(endpoint: Endpoint, seen: Foresight) -> dict[str, Any]:
    """Return the row of one of many endpoints: a cell for the interval and for each window."""
    return {"name": str(endpoint), "group": str(endpoint.group), "cells": describe_foresight(seen)}


def describe_conflicts(found: QuerySet[Correction], names: Mapping[int, str] | None = None) -> dict[str, Any]:
    """Return the newest of the corrections that stand in the interval, and a sentence for the others."""
    rows = list(found.order_by("-pk")[: MAX_CONFLICTS + 1])
    more = found.count() - MAX_CONFLICTS if len(rows) > MAX_CONFLICTS else 0
    words = ngettext("and %(count)s more", "and %(count)s more", more) % {"count": more} if more else ""
    names = name_endpoints(each.endpoint_id for each in rows) if names is None else names
    return {"rows": [describe_correction(each, names) for each in rows[:MAX_CONFLICTS]], "more": words}


def describe_correction(correction: Correction, names: Mapping[int, str]) -> dict[str, Any]:
    """Return what a table shows of a correction."""
    return {
        "id": correction.pk,
        "endpoint": names.get(correction.endpoint_id) or _("endpoint %(id)s") % {"id": correction.endpoint_id},
        "start": describe_instant(correction.starts_at),
        "end": describe_instant(correction.ends_at),
        "lasted": describe_length((correction.ends_at - correction.starts_at).total_seconds()),
        "effect": CorrectionEffect(correction.effect).label,
        "reason": correction.reason,
        "is_public": correction.is_public,
        "author": correction.author_name or "–",
        "at": describe_instant(correction.at),
        "withdrawn_at": describe_instant(correction.withdrawn_at),
        "withdrawn_by": correction.withdrawn_by_name or "–",
    }


def name_endpoints(ids: Iterable[int]) -> dict[int, str]:
    """Return the names of those that are still there, deleted ones, too."""
    rows = Endpoint.objects.filter(pk__in=set(ids)).values_list("pk", "name", "group__name")
    return {pk: _("%(name)s in %(group)s") % {"name": name, "group": group} for pk, name, group in rows}


def find_existing(ids: Iterable[int]) -> set[int]:
    """Return those that are not deleted: they have pages."""
    existing = Endpoint.objects.existing().filter(pk__in=set(ids), group__deleted_at__isnull=True)
    return set(existing.values_list("pk", flat=True))


def describe_interval(start: datetime, end: datetime) -> str:
    length = describe_length((end - start).total_seconds())
    words = {"start": describe_instant(start), "end": describe_instant(end), "length": length}
    return _("%(start)s – %(end)s (%(length)s)") % words


def describe_length(seconds: float) -> str:
    """Return a length of time in its one or two largest units."""
    rest, parts = round(seconds), []
    for unit in _UNITS:
        count, rest = divmod(rest, unit)
        if count:
            parts.append(_WORDS[unit](count))
    return " ".join(parts[:2]) or _("%(count)s s") % {"count": 0}


_WORDS: Mapping[int, Callable[[int], str]] = {
    86_400: lambda count: _("%(count)s d") % {"count": count},
    3600: lambda count: _("%(count)s h") % {"count": count},
    60: lambda count: _("%(count)s min") % {"count": count},
    1: lambda count: _("%(count)s s") % {"count": count},
}


def describe_share(part_ms: int, whole_ms: int) -> str:
    """Return a percentage with three digits, rounded down: 100 % is all of it, and nothing less."""
    return _("%(number)s %%") % {"number": _number(part_ms * 100_000 // whole_ms)}


def _number(thousandths: int) -> str:
    whole, rest = divmod(thousandths, 1000)
    return number_format(whole) if not rest else number_format(thousandths / 1000, decimal_pos=3)


def _name_rows() -> Sequence[str]:
    return [_("The interval itself"), *name_windows()]


def _name_window(days: int) -> str:
    if days == 1:
        return _("Last 24 hours")
    return ngettext("Last %(count)s day", "Last %(count)s days", days) % {"count": days}


def _pair(seen: Foresight) -> Iterator[tuple[Any, Any]]:
    yield seen.before.interval, seen.after.interval
    yield from zip(seen.before.windows, seen.after.windows, strict=True)


def _describe_row(name: str, before: Any, after: Any) -> dict[str, Any]:
    cells = _describe_totals(before), _describe_totals(after)
    return {"name": name, "before": cells[0], "after": cells[1], "is_same": before == after}


def _describe_totals(totals: Any) -> dict[str, str]:
    """Return uptime, and what it leaves out or counts as bad."""
    good = totals.good_ms(counts_degraded=True)
    uptime = describe_share(good, totals.known_ms) if totals.known_ms else _("nothing measured")
    return {"uptime": uptime, "rest": ", ".join(_list_rest(totals))}


def _list_rest(totals: Any) -> Iterator[str]:
    named = (
        (totals.down_ms, _("down %(length)s")),
        (totals.degraded_ms, _("degraded %(length)s")),
        (totals.unknown_ms, _("unknown %(length)s")),
        (totals.maintenance_ms, _("maintenance %(length)s")),
        (totals.excluded_ms, _("excluded %(length)s")),
    )
    for spent_ms, words in named:
        if spent_ms:
            yield words % {"length": describe_length(max(spent_ms / 1000, 1))}
