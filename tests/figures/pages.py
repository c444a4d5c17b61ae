"""What the public status page costs: server time, bytes and queries, and when Chromium paints it.

Stored states of as many endpoints, one in seven with a troubled past, and requests through the whole stack of
middleware, views and templates in this process, without a network. Wall time, median of twelve after three. Cold: every
endpoint was checked since, and no process has rendered the page; kept: the same page again within its five seconds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from statistics import median

from django.db import connection
from django.db.models import Value
from django.db.models.functions import Concat, Substr
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from healthcheck.models import Endpoint, EndpointGroup, EndpointState
from healthcheck.web.answers import ANSWERS
from tests.figures.painting import measure_painting
from tests.figures.table import Row
from tests.web.scenes import paint_calm_page, paint_history

WARM, REQUESTS = 3, 12
PATHS = ("/", "/status.json")
TROUBLED = 7
HISTORY = 1500


def measure(size: int) -> Iterator[Row]:
    # One for all: a client builds its stack of middleware once, as a server does.
    client = Client(SERVER_NAME="localhost")
    queries: dict[str, list[int]] = {path: [] for path in PATHS}
    for endpoints in (3, size):
        _store(endpoints)
        for path in PATHS:
            queries[path].append(_count_queries(client, path))
    for path in PATHS:
        yield from _measure_path(client, path, size)
        counted = " / ".join(map(str, queries[path]))
        yield Row(f"queries of {path}", "constant", counted, f"at 3 and {size} endpoints")
    yield _measure_endpoint(client)
    yield from measure_painting(f"{size} endpoints, median of 7 fresh profiles, gunicorn on loopback")


def _store(size: int) -> None:
    EndpointGroup.objects.all().delete()
    now = timezone.now()
    paint_calm_page(now, endpoint_count=size)
    # As long as the painting takes to measure, and longer.
    EndpointGroup.objects.update(next_run_at=now + timedelta(hours=1))
    EndpointState.objects.update(valid_until=now + timedelta(hours=1))
    troubled = EndpointState.objects.order_by("pk").values_list("pk", flat=True)[::TROUBLED]
    for number, pk in enumerate(troubled):
        past = f"{'1' * (number % 30)}33{'1' * 5}2221{'1' * 60}"[:60]
        EndpointState.objects.filter(pk=pk).update(strip=past)


def _measure_path(client: Client, path: str, size: int) -> Iterator[Row]:
    cold = median(_time_cold(client, path) for _ in range(WARM + REQUESTS))
    kept = median([_time(client, path) for _ in range(WARM + REQUESTS)][WARM:])
    answer = client.get(path)
    packed = client.get(path, headers={"accept-encoding": "gzip"})
    how = f"{size} endpoints, {len(answer.content) // 1024} KiB unpacked, p50 of {REQUESTS}"
    targets = ("at most 100 ms", "at most 5 ms", "at most 200 KiB") if path == "/" else ("", "", "")
    yield Row(f"server time of {path}, cold", targets[0], f"{cold:.0f} ms", how)
    yield Row(f"server time of {path}, kept", targets[1], f"{kept:.1f} ms", how)
    yield Row(f"size of {path}, gzipped", targets[2], f"{len(packed.content) / 1024:.0f} KiB", f"{size} endpoints")


def _measure_endpoint(client: Client) -> Row:
    endpoint = Endpoint.objects.order_by("pk")[0]
    paint_history(endpoint, timezone.now(), count=HISTORY)
    path = f"/status/status/{endpoint.pk}/"
    spent = median(_time_cold(client, path) for _ in range(WARM + REQUESTS))
    return Row("server time of an endpoint's page, cold", "", f"{spent:.0f} ms", f"{HISTORY} results in the window")


def _time_cold(client: Client, path: str) -> float:
    EndpointState.objects.update(strip=Concat(Substr("strip", 2), Value("1")))
    ANSWERS.forget()
    return _time(client, path)


def _time(client: Client, path: str) -> float:
    """Return milliseconds."""
    started = time.perf_counter()
    _get(client, path)
    return (time.perf_counter() - started) * 1000


def _count_queries(client: Client, path: str) -> int:
    ANSWERS.forget()
    with CaptureQueriesContext(connection) as captured:
        _get(client, path)
    return len(captured)


def _get(client: Client, path: str) -> int:
    response = client.get(path)
    if response.status_code != 200:
        raise RuntimeError(f"{path} answered {response.status_code}")
    return len(response.content)
