"""What uptime costs the pages: server time and queries of 90 days, however many raw rows there are.

Rollups of every endpoint for a hundred days, one in five with a troubled past, and the strips that the roll-up makes of
them. Data is read and summed up in this process, the median of nine after two: wall time, and the CPU of this process
in it. Drawing is what the whole answer takes on top. Then raw results are stored, and the same is measured again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from healthcheck.engine.types import State
from healthcheck.engine.uptime import DAY_MS, HOUR_MS, Totals
from healthcheck.models import (
    CheckResult,
    CheckRun,
    Endpoint,
    EndpointState,
    Resolution,
    Rollup,
    RunStatus,
    StatusPage,
    Trigger,
)
from healthcheck.models.result import Judgement
from healthcheck.pipeline.strips import Owner, keep_strips
from healthcheck.web.answers import ANSWERS
from healthcheck.web.snapshot import load_board
from healthcheck.web.uptime import PERIODS, Period
from healthcheck.web.uptime_rows import read_strip
from tests.factories import make_location
from tests.figures.table import Row
from tests.histories import LENGTHS_MS, number_day, number_hour, spend
from tests.web.scenes import paint_calm_page

WARM, REQUESTS = 2, 9
DAYS, HOURS = 100, 72
ENDPOINTS = 1000
BATCH = 5000
# As long as packed ones are; nothing here unpacks them.
LATENCIES = bytes(400)


def measure(size: int) -> Iterator[Row]:
    """`size` is how many raw rows there are at the end."""
    now = timezone.now()
    endpoints = min(ENDPOINTS, max(size // 1000, 3))
    paint_calm_page(now, endpoint_count=endpoints)
    EndpointState.objects.update(valid_until=now + timedelta(hours=2), since=now - timedelta(days=DAYS))
    _roll_up(now)
    client = Client(SERVER_NAME="localhost")
    for raw in (0, size):
        _store_raw(raw, now)
        how = f"{endpoints:,} endpoints, {CheckResult.objects.count():,} raw rows, p50 of {REQUESTS}"
        for period in PERIODS if raw == 0 else PERIODS[-1:]:
            yield _measure_data(period, how)
            if raw == 0:
                yield _measure_first(period, how)
            yield _measure_page(client, period, how)
    yield _count_queries(endpoints)
    yield _measure_endpoint(client)


def _measure_data(period: Period, how: str) -> Row:
    page = StatusPage.objects.defer("logo").get()
    spent = _time(lambda: load_board(page, now=timezone.now(), period=period))
    bare = _time(lambda: load_board(page, now=timezone.now()))
    return Row(
        f"data of a page with {period.key}",
        "at most 100 ms",
        spent,
        f"{how}; without a period {bare}",
    )


def _measure_first(period: Period, how: str) -> Row:
    """Measure it for the first time after a roll-up: what a process keeps of strips that have not changed is gone."""
    page = StatusPage.objects.defer("logo").get()

    def load() -> None:
        read_strip.cache_clear()
        load_board(page, now=timezone.now(), period=period)

    return Row(f"the same right after a roll-up, {period.key}", "at most 100 ms", _time(load), how)


def _measure_page(client: Client, period: Period, how: str) -> Row:
    path = f"/?period={period.key}"

    def show() -> None:
        ANSWERS.forget()
        if client.get(path).status_code != 200:
            raise RuntimeError(path)

    spent = _time(show)
    packed = client.get(path, headers={"accept-encoding": "gzip"})
    weight = f"{len(packed.content) / 1024:.0f} KiB gzipped"
    return Row(f"whole page with {period.key}, cold", "", f"{spent}, {weight}", how)


def _count_queries(endpoints: int) -> Row:
    page = StatusPage.objects.defer("logo").get()
    counted = []
    for endpoint_id in (Endpoint.objects.order_by("pk")[0].pk, None):
        with CaptureQueriesContext(connection) as captured:
            load_board(page, now=timezone.now(), period=PERIODS[-1], endpoint_id=endpoint_id)
        counted.append(str(len(captured)))
    return Row("queries of a page with 90d", "constant", " / ".join(counted), f"at 1 and {endpoints:,} endpoints")


def _measure_endpoint(client: Client) -> Row:
    path = f"/status/status/{Endpoint.objects.order_by('pk')[0].pk}/"

    def show() -> None:
        ANSWERS.forget()
        if client.get(path).status_code != 200:
            raise RuntimeError(path)

    return Row("page of an endpoint with 90d, cold", "", _time(show), "the same rows")


def _time(act: Callable[[], Any]) -> str:
    """Return milliseconds, and those of them that this process computed."""
    spent = []
    for _ in range(WARM + REQUESTS):
        started, worked = time.perf_counter(), time.process_time()
        act()
        spent.append((time.perf_counter() - started, time.process_time() - worked))
    wall, cpu = (median(each) * 1000 for each in zip(*spent[WARM:], strict=True))
    return f"{wall:.0f} ms ({cpu:.0f} ms CPU)"


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


def _store_raw(size: int, now: datetime) -> None:
    """Store results of every endpoint, a run of all of them for each slot, in a statement that both databases know."""
    ids = list(Endpoint.objects.order_by("pk").values_list("pk", flat=True))
    if not size:
        return
    location, group = make_location(), Endpoint.objects.order_by("pk")[0].group
    slots = -(-size // len(ids))
    for start in range(0, slots, BATCH):
        CheckRun.objects.bulk_create(
            CheckRun(
                group=group,
                location=location,
                trigger=Trigger.MANUAL,
                status=RunStatus.FINISHED,
                scheduled_for=now - timedelta(seconds=slots - slot),
                open_until=now,
                valid_until=now,
            )
            for slot in range(start, min(start + BATCH, slots))
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO healthcheck_checkresult (run_id, endpoint_id, latency_us, resolve_us, connect_us, tls_us,"
            " headers_us, body_us, judgement, http_status)"
            " SELECT r.id, e.id, 12000, 100, 200, 5000, 6000, 700, %s, 200"
            " FROM healthcheck_checkrun r CROSS JOIN healthcheck_endpoint e WHERE r.status = %s ORDER BY r.id",
            [Judgement(State.UP).pack(), RunStatus.FINISHED],
        )
        cursor.execute("ANALYZE")
