"""Bytes per stored result, indexes included, and per stored evidence of a failure.

Rows go in as record stores them: `insert_rows`, one statement per run of a group of 20 endpoints, ten groups in turn,
so that every index grows in as many places as there are endpoints. The values are those of checks over the Internet;
ids are those of a deployment of some weeks. One check in fifty fails and leaves evidence. PostgreSQL:
`pg_total_relation_size` after VACUUM. SQLite: the pages that the file has grown by.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection
from django.db.models import Model

from healthcheck.engine.types import ErrorKind, Phase, State
from healthcheck.models import CheckResult, Evidence
from healthcheck.models.result import Judgement
from healthcheck.pipeline.bulk import insert_rows
from tests.figures.table import Row

TARGETS = {"postgresql": "at most 120", "sqlite": "at most 90"}
GROUPS, MEMBERS = 10, 20
FIRST_RUN, FIRST_ENDPOINT = 1_000_000, 1_000
FAILURE_SHARE = 0.02
KEY = ("endpoint_id", "run_id")
# Medians in microseconds, spread log-normally.
MEDIANS = {"resolve_us": 1_500, "connect_us": 18_000, "tls_us": 35_000, "headers_us": 60_000, "body_us": 4_000}
LEAF, INTERMEDIATE = (
    {
        "subject": f"CN={subject}",
        "issuer": f"CN={issuer},O=Example Trust Services,C=US",
        "not_before": "2026-06-01T00:00:00+00:00",
        "not_after": "2026-09-01T00:00:00+00:00",
        "fingerprint_sha256": digit * 64,
        "key_type": "ec",
        "key_bits": 256,
        "signature": "sha256",
    }
    for subject, issuer, digit in (("www.example.com", "E1", "a"), ("E1,O=Example Trust Services,C=US", "Root", "b"))
)
# Of an HTTPS check with two assertions, whose target presented two certificates.
FACTS = {
    "sentence": "It answered with an unexpected status.",
    "expected": "status 200-299",
    "found": "status 503",
    "address": "203.0.113.17",
    "certificate": LEAF,
    "chain": [LEAF, INTERMEDIATE],
    "assertions": [
        {
            "text": "status 200-299",
            "expected": "status 200-299",
            "found": "status 503",
            "verdict": "down",
            "held": False,
        },
        {
            "text": 'body contains "ready"',
            "expected": 'body contains "ready"',
            "found": "not in the body",
            "verdict": "down",
            "held": False,
        },
    ],
}


def measure(size: int) -> Iterator[Row]:
    dice = random.Random(1)
    runs = max(1, size // MEMBERS)
    before = measure_size(CheckResult)
    for run in range(runs):
        _insert(CheckResult, [_build_result(dice, run, member) for member in range(MEMBERS)])
    stored = runs * MEMBERS
    per_result = (measure_size(CheckResult) - before) / stored
    how = f"{stored:,} results of {GROUPS * MEMBERS} endpoints in run order"
    yield Row("bytes per result", TARGETS[connection.vendor], f"{per_result:.0f}", how)
    before = measure_size(Evidence)
    failed = [(run, member) for run in range(runs) for member in range(MEMBERS) if dice.random() < FAILURE_SHARE]
    for run, member in failed:
        _insert(Evidence, [_build_key(run, member) | {"facts": FACTS}])
    per_evidence = (measure_size(Evidence) - before) / max(1, len(failed))
    yield Row("bytes per evidence", "", f"{per_evidence:.0f}", f"{len(failed):,} rows of {len(str(FACTS))} characters")


def _insert(model: type[Model], rows: Iterable[dict[str, Any]]) -> None:
    columns = [field.column for field in model._meta.concrete_fields if field.column]
    insert_rows(model, columns, [[row[column] for column in columns] for row in rows], conflict=KEY)


def _build_key(run: int, member: int) -> dict[str, Any]:
    return {"run_id": FIRST_RUN + run, "endpoint_id": FIRST_ENDPOINT + run % GROUPS * MEMBERS + member}


def _build_result(dice: random.Random, run: int, member: int) -> dict[str, Any]:
    times = {name: round(dice.lognormvariate(0, 0.6) * median) for name, median in MEDIANS.items()}
    values = _build_key(run, member) | times | {"latency_us": sum(times.values())}
    if dice.random() < FAILURE_SHARE:
        failed = Judgement(State.DOWN, ErrorKind.STATUS, Phase.HEADERS, 2)
        return values | {"judgement": failed.pack(), "http_status": 503}
    return values | {"judgement": Judgement(State.UP).pack(), "http_status": 200}


def measure_size(model: type[Model]) -> int:
    """Return the bytes of a table with its indexes; on SQLite of the whole file, which nothing else lets grow."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f'VACUUM "{model._meta.db_table}"')
            cursor.execute("SELECT pg_total_relation_size(%s)", [model._meta.db_table])
        else:
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return int(cursor.fetchone()[0])
