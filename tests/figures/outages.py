"""One absence of the database after the other, and what is missing or wrong afterwards."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from healthcheck.engine.types import State
from healthcheck.models import CheckResult, CheckRun, EndpointGroup, RunStatus, Transition
from healthcheck.models.run import UNFINISHED
from tests.figures.deployment import deploy, wait_until
from tests.figures.losses import tell_losses, wait_for_spool
from tests.figures.rows import make_groups, warm_up
from tests.figures.table import Row
from tests.figures.targets import run_late_server, spread
from tests.servers import PostgreSQL

GROUPS, MEMBERS, INTERVAL_SECONDS = 8, 5, 4
# A target has most of the deadline: a machine that is busy with a server that starts must not make it late.
ANSWER_SECONDS, TIMEOUT_SECONDS, DEADLINE_SECONDS = 0.3, 2.8, 3.0
SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 14.0
REST_SECONDS = 1.0
PATIENCE_SECONDS, WARM_SECONDS, LIFE_SECONDS = 60.0, 180.0, 2400
# In good order, without a word to anybody, and by force.
WAYS = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)


def measure(size: int, server: PostgreSQL | None) -> Iterator[Row]:
    folder = Path(os.environ["HEALTHCHECK_DATA"])
    if server is not None:
        # As every server is that is not for tests: what it has confirmed is there after a kill -9.
        connection.close()
        server.stop()
        server.synchronous_commit = "on"
        server.start()
    with (
        run_late_server(spread(MEMBERS), after_seconds=ANSWER_SECONDS) as urls,
        deploy(life_seconds=LIFE_SECONDS) as deployment,
    ):
        columns = {"deadline_seconds": DEADLINE_SECONDS, "interval_seconds": INTERVAL_SECONDS}
        make_groups("spool", GROUPS, urls, members=MEMBERS, timeout_seconds=TIMEOUT_SECONDS, **columns)
        deployment.start_worker()
        deployment.start_scheduler()
        warm_up("spool", runs=GROUPS, settle_seconds=INTERVAL_SECONDS, seconds=WARM_SECONDS)
        ways, running = cycle(WAYS), CheckRun.objects.filter(status=RunStatus.RUNNING)
        for _ in range(size):
            # Nothing is lost where nothing is under way; what still waits since the last outage is not enough.
            wait_until(running.filter(started_at__gt=timezone.now()).exists, seconds=PATIENCE_SECONDS)
            with lose_database(server, next(ways)):
                time.sleep(random.uniform(SHORTEST_SECONDS, LONGEST_SECONDS))
            wait_until(is_database_there, seconds=PATIENCE_SECONDS)
            time.sleep(random.uniform(0, REST_SECONDS))
        EndpointGroup.objects.update(is_paused=True)
        unfinished = CheckRun.objects.filter(status__in=UNFINISHED)
        is_settled = wait_until(lambda: not unfinished.exists(), seconds=PATIENCE_SECONDS)
        is_settled = wait_for_spool(folder / "spool", seconds=PATIENCE_SECONDS) and is_settled
    how = f"{size} outages" + ("" if is_settled else "; something stayed open")
    yield from tell_losses(folder / "worker.log", CheckRun.objects.all(), members=MEMBERS, how=how)
    results = CheckResult.objects.count()
    false = CheckResult.objects.judged(State.DOWN).count() + Transition.objects.filter(to_state=State.DOWN).count()
    yield Row("false down", "0", str(false), f"{results:,} results, all targets healthy")


@contextmanager
def lose_database(server: PostgreSQL | None, how: signal.Signals) -> Iterator[None]:
    if server is None:
        with transaction.atomic(), connection.cursor() as cursor:
            # Nobody else can write as long as this is open.
            cursor.execute("UPDATE django_migrations SET app = app")
            yield
        return
    connection.close()
    server.stop(how)
    try:
        yield
    finally:
        server.start()


def is_database_there() -> bool:
    try:
        return EndpointGroup.objects.exists()
    except (OperationalError, InterfaceError):
        connection.close()
        return False
