"""Plays the container engine: the services of `docker-compose.yml` as processes of this machine.

What differs from the containers stands in `substitute`, and nowhere else.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.deployment.compose import Service, load_services, map_texts, read_compose_file
from tests.deployment.database import DatabaseImage
from tests.deployment.image import Image, build_image
from tests.figures.children import leashed
from tests.figures.deployment import wait_until
from tests.free_ports import find_free_ports

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
        "/spool": str(own_folder / "spool"),
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

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

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
        if not self.is_running:
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

    def up(self, *services: str) -> None:
        """Start what does not run, of these services or of all, in the order of the file and each when it may."""
        wanted = [each for each in self.instances.values() if each.service.name in services or not services]
        for instance in wanted:
            if instance.is_running:
                continue
            for needed, condition in instance.service.needs.items():
                self._wait_for(self.instances[needed], condition)
            instance.start()
        for instance in wanted:
            self._wait_for(instance, "service_healthy" if instance.health_check else "service_completed_successfully")

    def stop(self, *services: str) -> dict[str, int]:
        """Stop these services or all, what was started last first, and return the exit statuses."""
        wanted = [each for each in reversed(self.instances.values()) if each.service.name in services or not services]
        return {instance.name: instance.stop() for instance in wanted if instance.is_running}

    def execute(self, name: str, command: str, folder: Path) -> None:
        """Run a command inside a container; a file that it is redirected from or to lies outside, in `folder`."""
        inner, redirection = re.fullmatch(r"(.*?)( [<>] \S+)?", command).groups(default="")  # type: ignore[union-attr]
        line = f"(cd {shlex.quote(str(self.instances[name].work_folder))} && {inner}){redirection}"
        environment = {**self.instances[name].environment, **self.database.inside}
        ran = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stderr}"

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
            if instance.is_running:
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
            assert wait_for_health(instance.is_healthy), self.read_log(instance.name)


def wait_for_health(is_as_expected: Callable[[], bool]) -> bool:
    """Wait for what a health check says. Each one is a process."""
    return wait_until(is_as_expected, seconds=WAIT_SECONDS, pause=0.3)


@contextmanager
def prepare_engine(variables: Mapping[str, str]) -> Iterator[Engine]:
    """Give a deployment that is not started yet, and see that nothing of it is left at the end.

    Skips where there is no Redis.
    """
    if shutil.which("redis-server", path=PATH) is None:
        pytest.skip("no redis-server on this machine")
    # Not in pytest's folder, where the database's user may not look.
    folder = Path(tempfile.mkdtemp(prefix="hcde", dir="/tmp"))
    folder.chmod(0o755)
    # What pip installs is what this process runs on; test_image.py has that line.
    image = build_image(folder / "image", path=PATH, wants=lambda command: not command.startswith("pip "))
    engine = Engine(folder, image, variables, Ports(*find_free_ports(3)))
    try:
        yield engine
    finally:
        engine.kill_everything()
        shutil.rmtree(folder, ignore_errors=True)
