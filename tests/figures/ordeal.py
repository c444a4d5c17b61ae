"""One fault after the other, and what the rows say of it."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import CheckResult, CheckRun, EndpointGroup, RunStatus, Transition
from healthcheck.models.result import Judgement
from healthcheck.models.run import UNFINISHED
from tests.dns_server import DnsServer
from tests.figures.deployment import deploy, wait_until
from tests.figures.losses import tell_losses
from tests.figures.rows import make_groups, warm_up
from tests.figures.table import Row
from tests.figures.targets import run_late_server, spread
from tests.figures.trouble import FAULTS, Ground, name_all
from tests.servers import PostgreSQL

GROUPS, MEMBERS, INTERVAL_SECONDS = 4, 50, 2
ANSWER_SECONDS, TIMEOUT_SECONDS, DEADLINE_SECONDS = 0.4, 1.5, 1.8
# Shorter than a check and longer than three slots.
SHORTEST_SECONDS, LONGEST_SECONDS = 0.2, 7.0
# So that the next fault meets a deployment at rest.
REST_SECONDS = 5.0
# What was under way when a fault began, and what began while it lasted.
MARGIN = timedelta(seconds=DEADLINE_SECONDS)
PATIENCE_SECONDS = 30.0
# As long as the figure may take.
LIFE_SECONDS = 900
# Targets, name server and clock of ours share the processors with a starved worker, and must not starve with it.
OUR_NICENESS = -10


@dataclass(slots=True)
class _Ordeal:
    ground: Ground
    # The fault, and between which instants a slot may have felt it.
    periods: list[tuple[str, datetime, datetime]] = field(default_factory=list)

    def suffer(self, name: str) -> None:
        began = timezone.now()
        with FAULTS[name](self.ground):
            time.sleep(random.uniform(SHORTEST_SECONDS, LONGEST_SECONDS))
        self.periods.append((name, began - MARGIN, timezone.now() + MARGIN))
        wait_until(_is_database_there, seconds=PATIENCE_SECONDS)
        time.sleep(REST_SECONDS)

    def count_slots(self) -> int:
        return sum(_select_slots(since, until).count() * MEMBERS for _, since, until in self.periods)


def measure(size: int, server: PostgreSQL | None) -> Iterator[Row]:
    addresses = spread(MEMBERS)
    names = {f"target-{number}.test": address for number, address in enumerate(addresses)}
    with (
        run_late_server(addresses, after_seconds=ANSWER_SECONDS) as urls,
        DnsServer(port=53) as dns,
        deploy(life_seconds=LIFE_SECONDS) as deployment,
    ):
        _be_brisk()
        name_all(dns, names)
        port = urls[0].rpartition(":")[2]
        make_groups(
            "faults",
            GROUPS,
            [f"http://{name}:{port}" for name in names],
            members=MEMBERS,
            timeout_seconds=TIMEOUT_SECONDS,
            deadline_seconds=DEADLINE_SECONDS,
            interval_seconds=INTERVAL_SECONDS,
        )
        worker = deployment.start_worker()
        deployment.start_scheduler()
        warm_up("faults", runs=GROUPS * 2, settle_seconds=INTERVAL_SECONDS)
        ordeal = _Ordeal(Ground(deployment, worker.process.pid, dns, names, server))
        for name in cycle(FAULTS):
            ordeal.suffer(name)
            if ordeal.count_slots() >= size:
                break
        EndpointGroup.objects.update(is_paused=True)
        unfinished = CheckRun.objects.filter(status__in=UNFINISHED)
        is_settled = wait_until(lambda: not unfinished.exists(), seconds=PATIENCE_SECONDS)
    yield from _tell(ordeal, is_settled=is_settled)


def _tell(ordeal: _Ordeal, *, is_settled: bool) -> Iterator[Row]:
    results = CheckResult.objects.count()
    false = CheckResult.objects.judged(State.DOWN).count() + Transition.objects.filter(to_state=State.DOWN).count()
    how = f"{ordeal.count_slots():,} faulted slots of endpoints, {len(ordeal.periods)} faults; {results:,} results"
    yield Row("false down", "0", str(false), how + ("" if is_settled else "; runs stayed open"))
    away = Q(pk__in=[])
    for fault, since, until in ordeal.periods:
        if fault == "database away":
            away |= Q(scheduled_for__gte=since, scheduled_for__lt=until)
    log = Path(os.environ["HEALTHCHECK_DATA"]) / "worker.log"
    yield from tell_losses(log, CheckRun.objects.filter(away), members=MEMBERS, how="runs due with the database away")
    for name in FAULTS:
        counted: Counter[str] = Counter()
        for fault, since, until in ordeal.periods:
            if fault == name:
                counted += _count_ends(since, until)
        shown = ", ".join(f"{count} {end}" for end, count in counted.most_common())
        yield Row(f"slots with the {name}", "", f"{counted.total():,}", shown)


def _select_slots(since: datetime, until: datetime) -> QuerySet[CheckRun]:
    return CheckRun.objects.filter(scheduled_for__gte=since, scheduled_for__lt=until)


def _count_ends(since: datetime, until: datetime) -> Counter[str]:
    """Count how the slots of the endpoints ended, by verdict and reason, or by the end of their group's slot."""
    counted: Counter[str] = Counter()
    slots = _select_slots(since, until)
    for packed in CheckResult.objects.filter(run_id__in=slots.values("pk")).values_list("judgement", flat=True):
        judged = Judgement.unpack(packed)
        reason = f" ({ErrorKind(judged.error_kind).word})" if judged.error_kind else ""
        counted[f"{State(judged.verdict).word}{reason}"] += 1
    for run in slots.exclude(status=RunStatus.FINISHED):
        counted[run.get_status_display().lower()] += MEMBERS * run.slot_count
    return counted


def _is_database_there() -> bool:
    try:
        return EndpointGroup.objects.exists()
    except (OperationalError, InterfaceError):
        connection.close()
        return False


def _be_brisk() -> None:
    for thread in threading.enumerate():
        if thread.native_id is not None:
            os.setpriority(os.PRIO_PROCESS, thread.native_id, OUR_NICENESS)
