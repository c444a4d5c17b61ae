"""Puts the demo's rows into the database through the public models, and takes them out again."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from healthcheck.conf import get_settings
from healthcheck.definitions.versions import lock_rows
from healthcheck.models import Assertion, CheckRun, Endpoint, EndpointGroup, RunStatus
from healthcheck.pipeline.prune import DELETED_GRACE, prune
from project.embedded.demo.groups import GROUPS, DemoEndpoint, DemoGroup
from project.embedded.demo.memory import DemoMemory, identify_database

# Removing two weeks of results takes seconds.
REMOVAL_SECONDS = 600.0
POLL_SECONDS = 0.1


def load_demo(memory: DemoMemory, authority: str) -> None:
    """Write the demo's groups for the ports in `memory`, and note there which rows they are."""
    with transaction.atomic():
        groups = [_write_group(group, memory, authority) for group in GROUPS]
    memory.database = identify_database()
    memory.group_ids = [group.pk for group in groups]
    memory.endpoint_ids = list(Endpoint.objects.filter(group__in=groups).values_list("pk", flat=True))
    memory.is_removed = False


def _write_group(described: DemoGroup, memory: DemoMemory, authority: str) -> EndpointGroup:
    group = EndpointGroup(
        name=described.name,
        slug=described.slug,
        interval_seconds=described.interval_seconds,
        deadline_seconds=described.deadline_seconds,
    )
    group.full_clean()
    group.save()
    for position, endpoint in enumerate(described.endpoints):
        _write_endpoint(endpoint, group, position=position, address=_locate(endpoint, memory), authority=authority)
    return group


def _locate(endpoint: DemoEndpoint, memory: DemoMemory) -> str:
    if endpoint.is_tls:
        return f"https://127.0.0.1:{memory.tls_port}{endpoint.path}"
    return f"http://127.0.0.1:{memory.http_port}{endpoint.path}"


def _write_endpoint(
    described: DemoEndpoint, group: EndpointGroup, *, position: int, address: str, authority: str
) -> None:
    options: dict[str, Any] = {"verify": "custom", "ca_pem": authority} if described.is_tls else {}
    endpoint = Endpoint(
        group=group,
        position=position,
        name=described.name,
        address=address,
        options=options,
        timeout_seconds=group.deadline_seconds - 1,
        # The first answer decides, so that the page says something at once.
        failure_threshold=1,
    )
    endpoint.full_clean()
    endpoint.save()
    for place, text in enumerate(described.assertions):
        assertion = Assertion(endpoint=endpoint, position=place, text=text)
        assertion.full_clean()
        assertion.save()


def follow_targets(memory: DemoMemory, authority: str, *, http_port: int, tls_port: int) -> None:
    """Point the demo's endpoints at the ports and the authority of this start."""
    for endpoint in Endpoint.objects.filter(pk__in=memory.endpoint_ids):
        endpoint.address = endpoint.address.replace(
            f"http://127.0.0.1:{memory.http_port}/", f"http://127.0.0.1:{http_port}/"
        ).replace(f"https://127.0.0.1:{memory.tls_port}/", f"https://127.0.0.1:{tls_port}/")
        if "ca_pem" in endpoint.options:
            endpoint.options["ca_pem"] = authority
        endpoint.save(update_fields=["address", "options"])
    memory.http_port, memory.tls_port = http_port, tls_port


def remove_demo(memory: DemoMemory, directory: Path, now: datetime) -> bool:
    """Remove the demo's rows with everything that was recorded about them; True when all of it is gone.

    A group to which a person has added an endpoint stays, with that endpoint alone.
    """
    if memory.is_loaded:
        _mark_deleted(memory, now)
        _wait_for_runs(memory)
        # Their runs are over, so that the pruner's grace for runs under way is not needed.
        _mark_deleted(memory, now - DELETED_GRACE - timedelta(seconds=1))
        retention = timedelta(days=get_settings().retention_days)
        if not prune(now, retention=retention, budget_seconds=REMOVAL_SECONDS).is_complete:
            return False
    memory.group_ids, memory.endpoint_ids, memory.is_removed = [], [], True
    memory.write(directory)
    return True


def _mark_deleted(memory: DemoMemory, at: datetime) -> None:
    with transaction.atomic():
        lock_rows(EndpointGroup, memory.group_ids)
        lock_rows(Endpoint, memory.endpoint_ids)
        Endpoint.objects.filter(pk__in=memory.endpoint_ids).update(deleted_at=at)
        shared = Endpoint.objects.existing().filter(group__in=memory.group_ids).values("group")
        EndpointGroup.objects.filter(Q(pk__in=memory.group_ids) & ~Q(pk__in=shared)).update(deleted_at=at)


def _wait_for_runs(memory: DemoMemory) -> None:
    """Wait until no run that may have loaded the demo's endpoints can still store results: its lease bounds that."""
    taken = CheckRun.objects.filter(group__in=memory.group_ids, status=RunStatus.RUNNING)
    run_ids = list(taken.values_list("pk", flat=True))
    while taken.filter(pk__in=run_ids, lease_until__gt=timezone.now()).exists():
        time.sleep(POLL_SECONDS)
