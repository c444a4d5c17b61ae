"""Two answers for machines: `/healthz` (this process lives), `/readyz` (its surroundings work). One word per part."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from celery import Celery, current_app
from django.db import Error
from django.db.models import Max, Min, Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import KombuError

from healthcheck import conf
from healthcheck.models import EndpointGroup, Tick, WorkerPulse
from healthcheck.models.clock import read_database_clock
from healthcheck.web.pending import has_pending_migrations
from healthcheck.web.untaken import load_untaken

# A probe of ours is asked every few seconds; a broker that takes longer is not one to be ready with.
BROKER_TIMEOUT_SECONDS = 0.5
OK = "ok"


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers. Touches neither database nor broker."""
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when all parts are "ok", else 503. Keys: is_ready, database, migrations, tick, worker, broker; and spool,
    which keeps nothing from being ready: {results, since, dropped}, null where nobody knows.
    """
    parts = inspect_database() | {"broker": inspect_broker(current_app)}
    is_ready = all(word == OK for word in parts.values())
    spool = count_spooled() if (parts["database"], parts["migrations"]) == (OK, OK) else None
    return JsonResponse({"is_ready": is_ready} | parts | {"spool": spool}, status=200 if is_ready else 503)


def count_spooled(now: datetime | None = None) -> dict[str, Any] | None:
    """Return what waits in the spools of all living workers; None where the database does not answer."""
    try:
        workers = WorkerPulse.objects.with_spool(read_database_clock() if now is None else now)
        sums = workers.order_by().aggregate(
            results=Sum("spooled_count", default=0),
            since=Min("spooled_since"),
            dropped=Sum("dropped_count", default=0),
        )
    except Error:
        return None
    return sums


def inspect_database(now: datetime | None = None) -> dict[str, str]:
    """Judge at `now`, by default the database's own.

    Returns a word for the database, its migrations, the newest tick and the workers: ok, unreachable, pending, silent,
    unknown.
    """
    try:
        if has_pending_migrations():
            return {"database": OK, "migrations": "pending", "tick": "unknown", "worker": "unknown"}
        limit = _find_limit(read_database_clock() if now is None else now)
        return {"database": OK, "migrations": OK, "tick": _inspect_tick(limit), "worker": _inspect_worker(limit)}
    except Error:
        return {"database": "unreachable", "migrations": "unknown", "tick": "unknown", "worker": "unknown"}


def inspect_broker(app: Celery) -> str:
    """Return "ok" or "unreachable", within a bounded time, whatever the broker does."""
    limits = {"socket_connect_timeout": BROKER_TIMEOUT_SECONDS, "socket_timeout": BROKER_TIMEOUT_SECONDS}
    broker = app.connection_for_read(connect_timeout=BROKER_TIMEOUT_SECONDS, transport_options=limits)
    try:
        # Kombu waits two seconds between tries unless it is told not to.
        broker.ensure_connection(
            max_retries=1,
            interval_start=0,
            interval_step=0,
            timeout=BROKER_TIMEOUT_SECONDS,  # type: ignore[arg-type]  # compared with a clock; fractions are fine
        )
    except (KombuError, OSError):
        return "unreachable"
    finally:
        broker.release()
    return OK


def _find_limit(now: datetime) -> datetime:
    return now - timedelta(seconds=conf.get_settings().stale_after_seconds)


def _inspect_tick(limit: datetime) -> str:
    newest = Tick.objects.aggregate(at=Max("at"))["at"]
    return OK if newest is not None and newest >= limit else "silent"


def _inspect_worker(limit: datetime) -> str:
    oldest = load_untaken(EndpointGroup.objects.existing()).unserved_at
    return OK if oldest is None or oldest >= limit else "silent"
