"""Takes the signals of jobs: stores each in one short transaction, then has the endpoint judged at once where the
signal changes what was last said of it. What comes too often is refused, and what is replayed changes nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from healthcheck.models import Heartbeat, HeartbeatToken, Signal, SignalKind
from healthcheck.models.heartbeat import KEPT_SIGNALS, MAX_BODY_LENGTH, MAX_SAID_LENGTH, hash_token
from healthcheck.pipeline.bulk import insert_rows
from healthcheck.pipeline.heartbeats import KIND, read_heard
from healthcheck.pipeline.signal_runs import record_now
from healthcheck.pipeline.text import sanitise

# A start and a success each second, twice what the shortest interval of a group could notice.
MAX_SIGNALS = 120
WINDOW = timedelta(minutes=1)
# Runs that are open at once: a job that names each of its runs and never ends one must not fill the row.
MAX_OPEN_RUNS = 20
MAX_DURATION_MS = 2**53
_KEY = ("endpoint_id",)


@dataclass(frozen=True, slots=True)
class Call:
    """What a job has said; texts are as they came, capped."""

    kind: SignalKind
    exit_code: int | None = None
    run_name: str = ""
    body: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a call. `retry_seconds` is more than 0 where it came too often."""

    is_known: bool
    retry_seconds: int = 0


def take_signal(token: str, call: Call, now: datetime) -> Receipt:
    """Store the signal and record what it changes. For a token that is not valid, whyever, one query and no more."""
    found = _find(token, now)
    if found is None:
        return Receipt(is_known=False)
    endpoint_id, since, counted = found
    if retry_seconds := _find_wait(since, counted or 0, now):
        # Refused before a transaction is begun: a flood must not hold the lock that all writers of SQLite share.
        return Receipt(is_known=True, retry_seconds=retry_seconds)
    with transaction.atomic():
        row = _lock(endpoint_id)
        if retry_seconds := _count(row, now):
            return Receipt(is_known=True, retry_seconds=retry_seconds)
        before = read_heard(row)
        _store(row, call, now)
    if call.kind != SignalKind.LOG:
        record_now(endpoint_id, before, now)
    return Receipt(is_known=True)


def _find(token: str, now: datetime) -> tuple[int, datetime | None, int | None] | None:
    """Return whose token it is and what was counted of it. One query by its hash, whatever the token looks like."""
    tokens = HeartbeatToken.objects.valid(now).filter(digest=hash_token(token), endpoint__kind=KIND)
    counts = ("endpoint__heartbeat__counted_since", "endpoint__heartbeat__counted")
    return tokens.values_list("endpoint_id", *counts).first()


def list_digests(now: datetime, limit: int) -> frozenset[str]:
    """Return the hashes of valid tokens, as many as `limit`."""
    tokens = HeartbeatToken.objects.valid(now).filter(endpoint__kind=KIND)
    return frozenset(tokens.values_list("digest", flat=True)[:limit])


def _lock(endpoint_id: int) -> Heartbeat:
    rows = Heartbeat.objects.filter(pk=endpoint_id)
    if connection.features.has_select_for_update:
        rows = rows.select_for_update()
    row = rows.first()
    if row is None:
        # Two first signals meet here, and the second one finds the row of the other.
        new: tuple[Any, ...] = (endpoint_id, {}, "", 0, 0)
        insert_rows(Heartbeat, ("endpoint_id", "open_runs", "said", "ended_by", "counted"), [new], conflict=_KEY)
        row = rows.get()
    return row


def _count(row: Heartbeat, now: datetime) -> int:
    """Count the signal in its minute; return after how many seconds to come again where there were too many."""
    if retry_seconds := _find_wait(row.counted_since, row.counted, now):
        return retry_seconds
    if row.counted_since is None or not row.counted_since <= now < row.counted_since + WINDOW:
        # A clock that was set back begins a new minute, too.
        row.counted_since, row.counted = now, 0
    row.counted += 1
    return 0


def _find_wait(since: datetime | None, counted: int, now: datetime) -> int:
    if since is None or counted < MAX_SIGNALS or not since <= now < since + WINDOW:
        return 0
    return max(1, round((since + WINDOW - now).total_seconds()))


def _store(row: Heartbeat, call: Call, now: datetime) -> None:
    name = sanitise(call.run_name, Signal._meta.get_field("run_name").max_length or 0)
    duration_ms = _note(row, call, name=name, now=now)
    Signal.objects.create(
        endpoint_id=row.pk,
        kind=call.kind,
        at=now,
        exit_code=call.exit_code,
        duration_ms=duration_ms,
        run_name=name,
        body=sanitise(call.body, MAX_BODY_LENGTH),
        address=call.address,
    )
    kept = Signal.objects.filter(endpoint_id=row.pk).order_by("-id").values_list("id", flat=True)
    for last_id in kept[KEPT_SIGNALS : KEPT_SIGNALS + 1]:
        Signal.objects.filter(endpoint_id=row.pk, id__lte=last_id).delete()


def _note(row: Heartbeat, call: Call, *, name: str, now: datetime) -> int | None:
    """Bring what is known of the job up to date; return how long the run took that ended with this."""
    named = ["counted_since", "counted"]
    duration_ms = None
    if call.kind != SignalKind.LOG:
        row.first_at = row.first_at or now
        named += ["first_at", "open_runs"]
    if call.kind == SignalKind.START:
        row.open_runs = _open_run(row.open_runs, name, now)
    elif call.kind in (SignalKind.SUCCESS, SignalKind.FAIL):
        duration_ms = _end_run(row.open_runs, name, now)
        row.ended_at, row.ended_by = now, call.kind
        row.exit_code, row.duration_ms, row.said = call.exit_code, duration_ms, sanitise(call.body, MAX_SAID_LENGTH)
        named += ["ended_at", "ended_by", "exit_code", "duration_ms", "said"]
    row.save(update_fields=named)
    return duration_ms


def _open_run(open_runs: dict[str, Any], name: str, now: datetime) -> dict[str, Any]:
    """Add a run, in the place of the oldest where there are too many. One that begins again is open since the first."""
    first_at = open_runs.get(name, [now.isoformat()])[0]
    others = sorted((each for each in open_runs.items() if each[0] != name), key=lambda each: str(each[1][0]))
    return dict(others[-(MAX_OPEN_RUNS - 1) :]) | {name: [first_at, now.isoformat()]}


def _end_run(open_runs: dict[str, Any], name: str, now: datetime) -> int | None:
    begun = open_runs.pop(name, None)
    if begun is None:
        return None
    duration = now - datetime.fromisoformat(begun[1])
    return min(MAX_DURATION_MS, max(0, round(duration.total_seconds() * 1000)))
