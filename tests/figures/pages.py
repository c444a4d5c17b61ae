"""Server time and queries of the public status page.

Stored states of as many endpoints, all up with full strips, and requests through the whole stack of middleware, views
and templates in this process, without a network. Wall time, median of thirty after three.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from healthcheck.models import EndpointGroup
from tests.figures.table import Row
from tests.web.scenes import paint_calm_page

WARM, REQUESTS = 3, 30
PATHS = ("/", "/status.json")


def measure(size: int) -> Iterator[Row]:
    # One for all: a client builds its stack of middleware once, as a server does.
    client = Client(SERVER_NAME="localhost")
    queries: dict[str, list[int]] = {path: [] for path in PATHS}
    milliseconds: dict[str, float] = {}
    length: dict[str, int] = {}
    for endpoints in (3, size):
        EndpointGroup.objects.all().delete()
        paint_calm_page(timezone.now(), endpoint_count=endpoints)
        for path in PATHS:
            queries[path].append(_count_queries(client, path))
            milliseconds[path], length[path] = _time_requests(client, path)
    for path in PATHS:
        counted = " / ".join(map(str, queries[path]))
        how = f"{size} endpoints, {length[path] // 1024} KiB, p50 of {REQUESTS}"
        yield Row(f"server time of {path}", "", f"{milliseconds[path]:.0f} ms", how)
        yield Row(f"queries of {path}", "constant", counted, f"at 3 and {size} endpoints")


def _count_queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        _get(client, path)
    return len(captured)


def _time_requests(client: Client, path: str) -> tuple[float, int]:
    """Return milliseconds and the length of the answer."""
    spent = []
    for _ in range(WARM + REQUESTS):
        started = time.perf_counter()
        length = _get(client, path)
        spent.append((time.perf_counter() - started) * 1000)
    return median(spent[WARM:]), length


def _get(client: Client, path: str) -> int:
    response = client.get(path)
    if response.status_code != 200:
        raise RuntimeError(f"{path} answered {response.status_code}")
    return len(response.content)
