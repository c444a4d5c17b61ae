"""A status page whose endpoints have a hundred days of rollups, and the strips that the roll-up makes of them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import connection

from healthcheck.engine.uptime import DAY_MS, HOUR_MS, Totals
from healthcheck.models import Endpoint, EndpointState, Resolution, Rollup
from healthcheck.pipeline.strips import Owner, keep_strips
from tests.factories import make_location
from tests.histories import LENGTHS_MS, number_day, number_hour, spend
from tests.web.scenes import paint_calm_page

DAYS, HOURS = 100, 72
BATCH = 5000
# As long as packed ones are; nothing here unpacks them.
LATENCIES = bytes(400)


def paint_rolled_page(now: datetime, endpoints: int) -> None:
    """Store so many endpoints, one in five with a troubled past."""
    paint_calm_page(now, endpoint_count=endpoints)
    EndpointState.objects.update(valid_until=now + timedelta(hours=2), since=now - timedelta(days=DAYS))
    _roll_up(now)


def _roll_up(now: datetime) -> None:
    ids = list(Endpoint.objects.order_by("pk").values_list("pk", flat=True))
    today, hour = number_day(now), number_hour(now)
    _store(Resolution.HOUR, ids, range(hour - HOURS, hour))
    _store(Resolution.DAY, ids, range(today - DAYS, today))
    partial = Totals(up_ms=(hour * HOUR_MS - today * DAY_MS))
    keep_strips(Resolution.DAY, {Owner(pk, make_location().pk): {today: partial} for pk in ids})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _store(resolution: Resolution, ids: list[int], numbers: range) -> None:
    location_id = make_location().pk
    length = LENGTHS_MS[resolution]
    for start in range(0, len(ids), 100):
        some = ids[start : start + 100]
        history = {pk: {number: _live(pk, number, length, resolution) for number in numbers} for pk in some}
        rows = [
            Rollup(
                resolution=resolution,
                endpoint_id=pk,
                location_id=location_id,
                number=number,
                latencies=LATENCIES,
                **asdict(totals),
            )
            for pk, buckets in history.items()
            for number, totals in buckets.items()
        ]
        Rollup.objects.bulk_create(rows, batch_size=BATCH)
        keep_strips(resolution, {Owner(pk, location_id): buckets for pk, buckets in history.items()})


def _live(pk: int, number: int, length: int, resolution: Resolution) -> Totals:
    fate = (pk * 7919 + number * 104729) % 1000
    if pk % 5 or fate > 60:
        return spend(resolution)
    return spend(resolution, down_ms=length // (fate + 2), unknown_ms=length // 50 if fate < 20 else 0)
