"""The faults of our own side, each of which begins with its `with` block and is over after it."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from django.db import connection, transaction

from tests.dns_server import DnsServer, Reply
from tests.figures.children import leashed
from tests.figures.deployment import Deployment
from tests.golden.namespace import call
from tests.servers import PostgreSQL

BURNERS = 6
CONTROL_NAME = "example.com"
_BURN = "while True: pass"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a fault may lay its hands on. `worker` is the id of the worker's process."""

    deployment: Deployment
    worker: int
    dns: DnsServer
    names: Mapping[str, str]
    # None where the database is a file.
    server: PostgreSQL | None


def name_all(dns: DnsServer, names: Mapping[str, str]) -> None:
    """Let every name be answered, and the control name."""
    dns.add(CONTROL_NAME, "A 93.184.216.34")
    for name, address in names.items():
        dns.add(name, f"A {address}")


@contextmanager
def stop_worker(ground: Ground) -> Iterator[None]:
    os.kill(ground.worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(ground.worker, signal.SIGCONT)


@contextmanager
def starve_worker(ground: Ground) -> Iterator[None]:
    """Let it share one core with processes that never rest."""
    core = min(os.sched_getaffinity(0))
    before = os.sched_getaffinity(ground.worker)
    burners = [subprocess.Popen(leashed(sys.executable, "-I", "-S", "-c", _BURN, seconds=60)) for _ in range(BURNERS)]
    try:
        for pid in (burner.pid for burner in burners):
            os.sched_setaffinity(pid, {core})
        _pin(ground.worker, {core})
        yield
    finally:
        _pin(ground.worker, before)
        for burner in burners:
            burner.kill()
            burner.wait()


def _pin(pid: int, cores: set[int]) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            os.sched_setaffinity(int(thread.name), cores)
        except ProcessLookupError:
            continue


@contextmanager
def exhaust_handles(ground: Ground) -> Iterator[None]:
    """Allow it a few file handles: the lowest free number is the limit of what it may open."""
    before = resource.prlimit(ground.worker, resource.RLIMIT_NOFILE)
    held = {int(handle.name) for handle in Path(f"/proc/{ground.worker}/fd").iterdir()}
    free = next(number for number in count() if number not in held)
    resource.prlimit(ground.worker, resource.RLIMIT_NOFILE, (free + random.randint(0, 5), before[1]))
    try:
        yield
    finally:
        resource.prlimit(ground.worker, resource.RLIMIT_NOFILE, before)


@contextmanager
def silence_resolver(ground: Ground) -> Iterator[None]:
    for name in (*ground.names, CONTROL_NAME):
        ground.dns.play(name, Reply(is_silent=True))
    try:
        yield
    finally:
        name_all(ground.dns, ground.names)


@contextmanager
def break_resolver(ground: Ground) -> Iterator[None]:
    for name in (*ground.names, CONTROL_NAME):
        ground.dns.play(name, Reply(rcode="SERVFAIL"))
    try:
        yield
    finally:
        name_all(ground.dns, ground.names)


@contextmanager
def cut_route(ground: Ground) -> Iterator[None]:
    set_link("down")
    try:
        yield
    finally:
        set_link("up")


def set_link(state: str) -> None:
    """Set the one device of this network up or down."""
    call("ip", "link", "set", "lo", state)


@contextmanager
def lose_database(ground: Ground) -> Iterator[None]:
    if ground.server is None:
        with transaction.atomic(), connection.cursor() as cursor:
            # Nobody else can write as long as this is open.
            cursor.execute("UPDATE django_migrations SET app = app")
            yield
        return
    connection.close()
    ground.server.stop()
    try:
        yield
    finally:
        ground.server.start()


@contextmanager
def lose_broker(ground: Ground) -> Iterator[None]:
    ground.deployment.kill_broker()
    try:
        yield
    finally:
        ground.deployment.restart_broker()


FAULTS: Mapping[str, Callable[[Ground], AbstractContextManager[None]]] = {
    "worker stopped": stop_worker,
    "worker starved": starve_worker,
    "file handles": exhaust_handles,
    "resolver silent": silence_resolver,
    "resolver broken": break_resolver,
    "route gone": cut_route,
    "database away": lose_database,
    "broker away": lose_broker,
}
