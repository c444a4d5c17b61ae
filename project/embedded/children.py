"""What runs under `manage.py up`: the commands of production, as in `docker-compose.yml`, and two helpers."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


@dataclass(frozen=True, slots=True)
class ChildCommand:
    """A child of the supervisor.

    It inherits `sockets`, which stay open here so that it can be started again. `seconds_to_stop` is how long it may
    take after SIGTERM before it is killed.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    sockets: tuple[socket.socket, ...] = ()
    seconds_to_stop: float = 1.0

    @property
    def role(self) -> str:
        """What it is one of: children of one role in a row stop together."""
        return self.name.partition("-")[0]


def describe_broker(directory: Path) -> ChildCommand:
    return ChildCommand("broker", (str(HERE / "broker.py"), str(directory)))


def describe_targets(plain: socket.socket, tls: socket.socket, certificates: Path) -> ChildCommand:
    script = str(HERE / "demo" / "targets.py")
    arguments = (script, str(plain.fileno()), str(tls.fileno()), str(certificates))
    return ChildCommand("targets", arguments, sockets=(plain, tls))


def describe_web(listener: socket.socket, environment: Mapping[str, str]) -> ChildCommand:
    bind = f"fd://{listener.fileno()}"
    arguments = ("gunicorn", "--config=python:project.gunicorn_conf", f"--bind={bind}", "project.wsgi")
    return ChildCommand("web", arguments, environment, (listener,), seconds_to_stop=1.5)


def describe_worker(number: int) -> ChildCommand:
    name = f"worker-{number}"
    flags = ("--pool=threads", "--without-gossip", "--without-mingle", f"--hostname={name}@%h")
    # The checks of the whole project cost every start half a second; the deployment's own tests run them.
    return ChildCommand(
        name,
        ("celery", "--quiet", "--app=project", "worker", *flags),
        {"CELERY_SKIP_CHECKS": "true"},
        seconds_to_stop=4.0,
    )


def describe_scheduler() -> ChildCommand:
    return ChildCommand("scheduler", (str(ROOT / "manage.py"), "scheduler", "--skip-checks"))
