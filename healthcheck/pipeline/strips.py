"""Keeps the packed strips of hours and days in step with the rollups. Called in the transaction that writes those."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db.models import Max

from healthcheck.engine.strips import Strip, pack, splice, unpack
from healthcheck.engine.uptime import Totals
from healthcheck.models import STRIP_SIZES, Resolution, Rollup, UptimeStrip
from healthcheck.pipeline.bulk import insert_rows

_KEY = ("resolution", "endpoint_id", "location_id")
_COLUMNS = (*_KEY, "last", "packed")
_SPENT = ("up_ms", "degraded_ms", "down_ms", "unknown_ms", "maintenance_ms", "excluded_ms")


class Owner(NamedTuple):
    """Whose strip it is."""

    endpoint_id: int
    location_id: int


def keep_strips(resolution: Resolution, buckets: Mapping[Owner, Mapping[int, Totals]]) -> None:
    """Put rolled up buckets, by number, into the strips of their owners. Four statements at most for any number.

    The caller holds what keeps two roll-ups of one endpoint apart, and has stored the rollups before: a strip that does
    not exist yet is made of all of them.
    """
    if not buckets:
        return
    strips = _load(resolution, buckets)
    missing = [owner for owner in buckets if owner not in strips]
    found = _read_rollups(resolution, missing) if missing else {}
    size = STRIP_SIZES[resolution]
    rows = [
        (int(resolution), *owner, strip.last, pack(strip))
        for owner, own in buckets.items()
        if (known := {**found.get(owner, {}), **own})
        for strip in [splice(strips.get(owner), known, size=size)]
    ]
    insert_rows(UptimeStrip, _COLUMNS, rows, conflict=_KEY, update=("last", "packed"))


def _load(resolution: Resolution, owners: Iterable[Owner]) -> dict[Owner, Strip]:
    ids = sorted({owner.endpoint_id for owner in owners})
    rows = UptimeStrip.objects.filter(resolution=resolution, endpoint_id__in=ids)
    strips = {
        Owner(endpoint_id, location_id): unpack(packed, last)
        for endpoint_id, location_id, last, packed in rows.values_list("endpoint_id", "location_id", "last", "packed")
    }
    # One that cannot be read is made anew.
    return {owner: strip for owner, strip in strips.items() if strip is not None}


def _read_rollups(resolution: Resolution, owners: Sequence[Owner]) -> dict[Owner, dict[int, Totals]]:
    ids = sorted({owner.endpoint_id for owner in owners})
    rows = Rollup.objects.filter(resolution=resolution, endpoint_id__in=ids)
    newest = rows.aggregate(newest=Max("number"))["newest"] or 0
    found: dict[Owner, dict[int, Totals]] = defaultdict(dict)
    recent = rows.filter(number__gt=newest - STRIP_SIZES[resolution])
    for endpoint_id, location_id, number, *spent in recent.values_list("endpoint_id", "location_id", "number", *_SPENT):
        found[Owner(endpoint_id, location_id)][number] = Totals(*spent)
    return found
