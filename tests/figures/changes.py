"""What it costs to change many endpoints at once: bulk edit, export and import, without the pages around them.

Wall time, processor time and statements of one go each; every endpoint gets one version of how it was found and one
per change.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from healthcheck.definitions.csv_export import write_csv
from healthcheck.definitions.csv_import import plan_rows
from healthcheck.definitions.csv_reading import read_csv
from healthcheck.definitions.edits import ADD, SET, Edit
from healthcheck.definitions.plans import Plan, apply_plan, plan_edits
from healthcheck.definitions.versions import Change
from healthcheck.models import Assertion, Endpoint, EndpointGroup, Version
from tests.factories import make_group
from tests.figures.table import Row

EDITS = (
    Edit("timeout_seconds", SET, 5.0),
    Edit("tags", ADD, ["eu"]),
    Edit("assertions", ADD, ["latency < 3s"]),
)
PER_GROUP = 100


def measure(size: int) -> Iterator[Row]:
    ids = _store(size)
    counted = f"{size} endpoints in groups of {PER_GROUP}"
    plan, row = _time(
        lambda: plan_edits(Endpoint, ids, EDITS, may_use_credentials=True),
        "bulk edit of three fields, preview",
        counted,
    )
    yield row
    yield _apply(
        lambda: plan_edits(Endpoint, ids, EDITS, may_use_credentials=True),
        plan,
        ("bulk edit of three fields, apply", counted),
    )
    text, row = _time(lambda: "".join(write_csv(Endpoint, ids, shows_hidden=True)), "CSV export", counted)
    yield row
    content = text.replace(".example", ".example.org").encode()
    plan, row = _time(lambda: _plan_file(content), "CSV import, preview", f"{counted}, {len(content) >> 10} KiB")
    yield row
    yield _apply(lambda: _plan_file(content), plan, ("CSV import, apply", counted))
    if Version.objects.count() != 3 * size:
        raise RuntimeError(f"{Version.objects.count()} versions in the place of {3 * size}")


def _store(size: int) -> list[int]:
    EndpointGroup.objects.all().delete()
    groups = [make_group(f"group-{number}") for number in range(-(-size // PER_GROUP))]
    Endpoint.objects.bulk_create(
        Endpoint(
            group=groups[number // PER_GROUP],
            name=f"endpoint-{number}",
            address=f"http://host-{number}.example/",
            options={"headers": [["Accept", "text/html"]]},
        )
        for number in range(size)
    )
    ids = list(Endpoint.objects.order_by("pk").values_list("pk", flat=True))
    Assertion.objects.bulk_create(Assertion(endpoint_id=pk, text="status 200-299") for pk in ids)
    return ids


def _plan_file(content: bytes) -> Plan:
    return plan_rows(Endpoint, read_csv(Endpoint, io.BytesIO(content)), may_use_credentials=True)


def _apply(make: Callable[[], Plan], plan: Plan, words: tuple[str, str]) -> Row:
    ids = [draft.pk for draft in plan.changed if draft.pk is not None]
    change = Change(timezone.now())
    _count, row = _time(lambda: apply_plan(Endpoint, ids, make, digest=plan.digest, change=change), *words)
    return row


def _time(act: Callable[[], Any], name: str, how: str) -> tuple[Any, Row]:
    with CaptureQueriesContext(connection) as captured:
        started, used = time.perf_counter(), time.process_time()
        result = act()
        spent, cpu = time.perf_counter() - started, time.process_time() - used
    return result, Row(name, "", f"{spent:.1f} s", f"{how}; {cpu:.1f} s of our CPU, {len(captured)} statements")
