"""Server time and queries of the admin's lists and pages, with a thousand results for every endpoint.

Groups of twenty and one of fifty; every hundredth slot was missed, one endpoint in fifty is down. Requests of a
superuser through the whole stack in this process, without a network. Wall time, the median of nine after two, and the
CPU of this process in it: on a busy machine the difference is waiting, for the database or for a processor.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import (
    CheckResult,
    CheckRun,
    Endpoint,
    EndpointGroup,
    EndpointState,
    Location,
    Reason,
    RunStatus,
    Tag,
    Transition,
    Trigger,
)
from healthcheck.models.result import Judgement
from healthcheck.pipeline.bulk import insert_rows
from tests.figures.table import Row

WARM, REQUESTS = 2, 9
RUNS, MEMBERS, INLINE_MEMBERS, BATCH = 1000, 20, 50, 5000
TARGET_MS = 200
ROOT = "/admin/healthcheck"
_RUN_COLUMNS = (
    "group_id",
    "location_id",
    "trigger",
    "status",
    "reason",
    "scheduled_for",
    "open_until",
    "valid_until",
    "started_at",
    "finished_at",
    "token",
    "slot_count",
    "up_count",
    "degraded_count",
    "down_count",
    "unknown_count",
    "wall_us",
    "work_us",
)


def measure(size: int) -> Iterator[Row]:
    now = timezone.now()
    groups = _make_groups(size)
    _make_states(now)
    _make_runs(groups, now)
    results = _make_results()
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("figures"))
    # With a handful of endpoints nobody asks how long it takes.
    requests = min(REQUESTS, size)
    how = f"{size:,} endpoints, {results:,} results, p50 of {requests}"
    for name, url in _list_pages(groups[0]).items():
        wall, cpu, queries = _time_page(client, url, requests)
        yield Row(f"admin, {name}", f"{TARGET_MS} ms", f"{wall:.0f} ms ({cpu:.0f} ms CPU), {queries} queries", how)


def _list_pages(group: EndpointGroup) -> dict[str, str]:
    endpoint = Endpoint.objects.filter(group=group)[0]
    run = CheckRun.objects.filter(group=group, status=RunStatus.FINISHED).order_by("-pk")[0]
    tag = Tag.objects.get()
    groups, endpoints = f"{ROOT}/endpointgroup/", f"{ROOT}/endpoint/"
    return {
        "start page": "/admin/",
        "desk renewed": f"{groups}desk/?part",
        "groups": groups,
        "groups with a member down": f"{groups}?state=down",
        "groups by a word": f"{groups}?q=group+7",
        "form of a group with 50 endpoints": f"{groups}{group.pk}/change/",
        "runs of a group": f"{groups}{group.pk}/runs/",
        "run": f"{groups}runs/{run.pk}/",
        "endpoints": endpoints,
        "last page of endpoints": f"{endpoints}?p={-(-Endpoint.objects.count() // 50)}",
        "endpoints down": f"{endpoints}?state=down",
        "endpoints unknown": f"{endpoints}?state=unknown",
        "endpoints of a group": f"{endpoints}?group__id__exact={group.pk}",
        "endpoints with a tag": f"{endpoints}?tag={tag.pk}",
        "endpoints with an error": f"{endpoints}?error=status",
        "endpoints by a word": f"{endpoints}?q=endpoint+7",
        "form of an endpoint": f"{endpoints}{endpoint.pk}/change/",
        "new endpoint": f"{endpoints}add/",
        "add by URL": f"{endpoints}add-by-url/",
        "import": f"{endpoints}import/",
        "deleted endpoints": f"{endpoints}deleted/",
        "versions of an endpoint": f"{endpoints}{endpoint.pk}/history/",
        "uptime of an endpoint": f"{endpoints}{endpoint.pk}/uptime/",
        "results of an endpoint": f"{endpoints}{endpoint.pk}/results/",
        "oldest results of an endpoint": f"{endpoints}{endpoint.pk}/results/?after=0",
        "verdict explained": f"{endpoints}{endpoint.pk}/results/{run.pk}/",
        "status pages": f"{ROOT}/statuspage/",
        "tags": f"{ROOT}/tag/",
        "locations": f"{ROOT}/location/",
        "credentials": f"{ROOT}/credential/",
    }


def _make_groups(size: int) -> list[EndpointGroup]:
    count = max(1, (size - INLINE_MEMBERS) // MEMBERS)
    made = [EndpointGroup(slug=f"group-{number}", name=f"Group {number}") for number in range(count)]
    groups = EndpointGroup.objects.bulk_create(made)
    owners = [groups[0]] * min(size, INLINE_MEMBERS)
    owners += [groups[(number // MEMBERS) % count] for number in range(size - len(owners))]
    names: dict[int, int] = {}
    endpoints = []
    for owner in owners:
        number = names[owner.pk] = names.get(owner.pk, 0) + 1
        address = f"https://site-{number}.{owner.slug}.example/health"
        endpoints.append(Endpoint(group=owner, name=f"endpoint {number}", address=address))
    Endpoint.objects.bulk_create(endpoints, batch_size=BATCH)
    tag = Tag.objects.create(name="customers")
    tag.endpoints.set(endpoints[::10])
    return groups


def _make_states(now: datetime) -> None:
    location = Location.objects.default()
    rows = []
    for number, pk in enumerate(Endpoint.objects.order_by("pk").values_list("pk", flat=True)):
        state = State.DOWN if number % 50 == 0 else State.UP
        seen = now - timedelta(seconds=number % 60)
        rows.append(
            EndpointState(
                endpoint_id=pk,
                location=location,
                state=state,
                known_state=state,
                since=now - timedelta(hours=1),
                last_observed_at=seen,
                last_verdict=state,
                last_error_kind=ErrorKind.STATUS if state is State.DOWN else 0,
                last_latency_us=12_000,
                evidence_at=seen,
                # Some have expired.
                valid_until=now + timedelta(hours=1 if number % 97 else -1),
                strip=str(state.value) * 60,
            )
        )
    EndpointState.objects.bulk_create(rows, batch_size=BATCH)
    changes = [
        Transition(
            endpoint_id=row.endpoint_id, location=location, from_state=0, to_state=row.state, at=now, confirmed_at=now
        )
        for row in rows
    ]
    Transition.objects.bulk_create(changes, batch_size=BATCH)


def _make_runs(groups: list[EndpointGroup], now: datetime) -> None:
    location = Location.objects.default()
    for slot in range(RUNS):
        at = now - timedelta(minutes=RUNS - slot)
        started = None if slot % 100 == 99 else at + timedelta(milliseconds=120)
        status, reason = (RunStatus.FINISHED, 0) if started else (RunStatus.MISSED, Reason.QUEUE)
        claimed = (location.pk, int(Trigger.SCHEDULED), int(status), int(reason), at, at + timedelta(minutes=1))
        done = (at + timedelta(minutes=3), started, started, 1, 1, MEMBERS, 0, 0, 0, 90_000, 240_000)
        insert_rows(CheckRun, _RUN_COLUMNS, [(group.pk, *claimed, *done) for group in groups])


def _make_results() -> int:
    """Store a result of every member of every finished run, in one statement that both databases know."""
    judgement = Judgement(State.UP).pack()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO healthcheck_checkresult (run_id, endpoint_id, latency_us, resolve_us, connect_us, tls_us,"
            " headers_us, body_us, judgement, http_status)"
            " SELECT r.id, e.id, 12000, 100, 200, 5000, 6000, 700, %s, 200"
            " FROM healthcheck_checkrun r JOIN healthcheck_endpoint e ON e.group_id = r.group_id WHERE r.status = %s"
            " ORDER BY r.id",
            [judgement, RunStatus.FINISHED],
        )
        cursor.execute("ANALYZE")
    return CheckResult.objects.count()


def _time_page(client: Client, url: str, requests: int) -> tuple[float, float, int]:
    """Return milliseconds, those of CPU, and the number of queries."""
    spent = []
    for _ in range(WARM + requests):
        started, worked = time.perf_counter(), time.process_time()
        _get(client, url)
        spent.append((time.perf_counter() - started, time.process_time() - worked))
    with CaptureQueriesContext(connection) as captured:
        _get(client, url)
    wall, cpu = (median(each) * 1000 for each in zip(*spent[WARM:], strict=True))
    return wall, cpu, len(captured)


def _get(client: Client, url: str) -> None:
    response = client.get(url)
    if response.status_code != 200:
        raise RuntimeError(f"{url} answered {response.status_code}")
