"""What uptime costs the pages: server time and queries of 90 days, however many raw rows there are.

Rollups of every endpoint for a hundred days, one in five with a troubled past, and the strips that the roll-up makes of
them. Data is read and summed up in this process, the median of nine after two: wall time, and the CPU of this process
in it. Drawing is what the whole answer takes on top. Then raw results are stored, and the same is measured again.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from healthcheck.models import CheckResult, Endpoint, StatusPage
from healthcheck.web.answers import ANSWERS
from healthcheck.web.snapshot import load_board
from healthcheck.web.uptime import PERIODS, Period
from healthcheck.web.uptime_rows import read_strip
from tests.figures.raw_rows import store_past
from tests.figures.rolled_page import paint_rolled_page
from tests.figures.table import Row
from tests.figures.timing import REQUESTS, time_calls

ENDPOINTS = 1000
FILL_SECONDS = 1500.0


def measure(size: int) -> Iterator[Row]:
    """`size` is how many raw rows there are at the end."""
    now = timezone.now()
    endpoints = min(ENDPOINTS, max(size // 1000, 3))
    paint_rolled_page(now, endpoints)
    client = Client(SERVER_NAME="localhost")
    for raw in (0, size):
        if raw:
            store_past(raw, now, seconds=FILL_SECONDS)
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
    spent = time_calls(lambda: load_board(page, now=timezone.now(), period=period))
    bare = time_calls(lambda: load_board(page, now=timezone.now()))
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

    return Row(f"the same right after a roll-up, {period.key}", "at most 100 ms", time_calls(load), how)


def _measure_page(client: Client, period: Period, how: str) -> Row:
    path = f"/?period={period.key}"

    def show() -> None:
        ANSWERS.forget()
        if client.get(path).status_code != 200:
            raise RuntimeError(path)

    spent = time_calls(show)
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

    return Row("page of an endpoint with 90d, cold", "", time_calls(show), "the same rows")
