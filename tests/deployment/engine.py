"""Plays the container engine: the services of `docker-compose.yml` as processes of this machine.

What differs from the containers stands in `substitute`, and nowhere else.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.deployment.compose import Service, load_services, map_texts, read_compose_file
from tests.deployment.database import DatabaseImage
from tests.deployment.image import Image
from tests.figures.children import leashed
from tests.figures.deployment import wait_until

# Generous: it only ends a test that hangs.
WAIT_SECONDS = 60
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"])


class Ports(NamedTuple):
    db: int
    redis: int
    web: int


def substitute(text: str, *, ports: Ports, own_folder: Path) -> str:
    """Return a text of the file as it stands here: hosts, ports, and the folder that is a container's own /tmp."""
    table = {
        "@db:5432/": f"@127.0.0.1:{ports.db}/",
        "//redis:6379/": f"//127.0.0.1:{ports.redis}/",
        "--port=5432": f"--port={ports.db}",
        "6379": str(ports.redis),
        "8000": str(ports.web),
        "/tmp/pulse": str(own_folder / "pulse"),
        # A pulse is this old before it is called lost, in seconds.
        "> 30": "> 5",
    }
    return re.sub("|".join(map(re.escape, table)), lambda found: table[found[0]], text)


@dataclass
class Instance:
    """One container's stand-in: the process of a service, in a folder of its own."""

    name: str
    service: Service
    command: tuple[str, ...]
    health_check: tuple[str, ...]
    environment: Mapping[str, str]
    work_folder: Path
    log: Path
    # The image of the database starts as a user of its own, without a leash of ours.
    user: str | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which(self.command[0], path=self.environment["PATH"])
        assert program is not None, self.command
        command = [program, *self.command[1:]]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command if self.user else leashed(*command),
                cwd=self.work_folder,
                env=self.environment,
                user=self.user,
                extra_groups=[] if self.user else None,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_healthy(self) -> bool:
        """Run the service's own health check."""
        seconds = float(str(self.service.definition["healthcheck"]["timeout"]).removesuffix("s"))
        try:
            checked = subprocess.run(
                self.health_check,
                cwd=self.work_folder,
                env=self.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return checked.returncode == 0

    def kill(self) -> None:
        """kill -9 of everything in the container."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Stop as Compose does and return the exit status. Raises TimeoutExpired when the grace period is over."""
        assert self.process is not None
        self.process.send_signal(signal.Signals[self.service.stop_signal])
        return self.process.wait(self.service.stop_grace_seconds)

    def come_back(self) -> bool:
        """Do once what the policy `unless-stopped` does: start what has ended. Return whether it is healthy."""
        assert self.service.restart == "unless-stopped"
        if self.process is None or self.process.poll() is not None:
            self.start()
        return self.is_healthy()


class Engine:
    """The whole deployment."""

    def __init__(self, folder: Path, image: Image, variables: Mapping[str, str], ports: Ports) -> None:
        self.ports = ports
        self.instances: dict[str, Instance] = {}
        self._folder, self._image = folder, image
        self.database = DatabaseImage(folder / "database", port=ports.db)
        for service in load_services(read_compose_file(), variables).values():
            for number in range(1, service.replicas + 1):
                name = service.name if service.replicas == 1 else f"{service.name}-{number}"
                self.instances[name] = self._prepare(name, service)

    def up(self) -> None:
        """Start everything in the order of the file, each as soon as what it needs is as it needs it."""
        for instance in self.instances.values():
            for needed, condition in instance.service.needs.items():
                self._wait_for(self.instances[needed], condition)
            instance.start()
        for instance in self.instances.values():
            if instance.health_check:
                self._wait_for(instance, "service_healthy")

    def stop(self) -> dict[str, int]:
        """Stop everything, what was started last first, and return the exit statuses."""
        running = [each for each in reversed(self.instances.values()) if each.process and each.process.poll() is None]
        return {instance.name: instance.stop() for instance in running}

    def manage(self, *arguments: str, text: str = "") -> str:
        """Run a command in the container of the migration and return what it prints."""
        instance = self.instances["migrate"]
        ran = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=instance.work_folder,
            env=instance.environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def read_log(self, name: str) -> str:
        return self.instances[name].log.read_text()

    def kill_everything(self) -> None:
        """Leave nothing behind, whatever became of the test."""
        for instance in self.instances.values():
            if instance.process is not None and instance.process.poll() is None:
                instance.kill()

    def _prepare(self, name: str, service: Service) -> Instance:
        own = self._folder / name
        own.mkdir(parents=True)
        texts = {
            "command": list(service.command or self._image.command),
            "health_check": list(service.health_check),
            "environment": dict(service.environment),
        }
        here = map_texts(texts, lambda text: substitute(text, ports=self.ports, own_folder=own))
        environment = {"PATH": PATH, "TMPDIR": str(own)}
        if service.name == "db":
            self.database.prepare(service.environment)
            environment["PATH"] = os.pathsep.join([str(self.database.binaries), PATH])
            here |= {"command": self.database.command}
        elif "build" in service.definition:
            environment |= self._image.environment
        return Instance(
            name=name,
            service=service,
            command=tuple(here["command"]),
            health_check=tuple(here["health_check"]),
            environment=environment | here["environment"],
            work_folder=self._image.work_folder if "build" in service.definition else own,
            log=own / "log",
            user=self.database.user if service.name == "db" else None,
        )

    def _wait_for(self, instance: Instance, condition: str) -> None:
        if condition == "service_completed_successfully":
            assert instance.process is not None
            assert instance.process.wait(WAIT_SECONDS) == 0, self.read_log(instance.name)
        else:
            assert wait_until(instance.is_healthy, seconds=WAIT_SECONDS), self.read_log(instance.name)


@contextmanager
def run_engine(engine: Engine) -> Iterator[Engine]:
    """Start everything, and see that it is gone at the end."""
    try:
        engine.up()
        yield engine
    finally:
        engine.kill_everything()
