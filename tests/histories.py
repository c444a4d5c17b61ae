"""Rolled up histories for tests: rollups and the strips made of them, as the roll-up leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from healthcheck.engine.uptime import DAY_MS, HOUR_MS, Totals, to_ms
from healthcheck.models import Endpoint, Resolution, Rollup
from healthcheck.pipeline.strips import Owner, keep_strips
from tests.factories import make_location

LENGTHS_MS = {Resolution.HOUR: HOUR_MS, Resolution.DAY: DAY_MS}


def number_hour(at: datetime) -> int:
    return to_ms(at) // HOUR_MS


def number_day(at: datetime) -> int:
    return to_ms(at) // DAY_MS


def roll(
    endpoint: Endpoint,
    resolution: Resolution,
    buckets: Mapping[int, Totals],
    *,
    location: str = "default",
    **columns: Any,
) -> None:
    """Store these buckets, by number."""
    location_id = make_location(location).pk
    key = {"endpoint_id": endpoint.pk, "location_id": location_id, "resolution": resolution}
    Rollup.objects.bulk_create(
        Rollup(**key, number=number, **asdict(totals), **columns) for number, totals in buckets.items()
    )
    keep_strips(resolution, {Owner(endpoint.pk, location_id): buckets})


def spend(resolution: Resolution, **spent_ms: int) -> Totals:
    """Return a whole bucket: what is not said was up."""
    rest = LENGTHS_MS[resolution] - sum(spent_ms.values())
    return Totals(**{"up_ms": rest} | spent_ms)
