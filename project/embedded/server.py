"""`manage.py up`, step by step: claim the folder and the port, prepare the database, start the children, stay."""

from __future__ import annotations

import logging
import secrets
import signal
import socket
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from django.core.management.base import CommandError
from django.db import Error, connection
from django.utils import timezone

from healthcheck.models.clock import read_database_clock
from project.embedded.children import describe_broker, describe_web, describe_worker
from project.embedded.console import Console
from project.embedded.data_directory import find_data_directory
from project.embedded.database import ensure_operator, prepare_database
from project.embedded.demo.memory import DemoMemory
from project.embedded.demo.start import open_demo, wants_demo
from project.embedded.environment import build_environment, has_own_broker
from project.embedded.first_slots import start_scheduler
from project.embedded.leftover import stop_leftover
from project.embedded.listening import choose_allowed_hosts, describe_address, is_loopback, open_listener
from project.embedded.lock import InstanceLock
from project.embedded.supervisor import Supervisor

# A closed terminal asks for the same as Ctrl-C.
STOP_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The command line. `data` None is the folder of the settings, `port` 0 any free port."""

    data: str | None
    host: str
    port: int
    has_demo: bool
    workers: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database to start on, as of `at`; `account` is what the login link opens."""

    account: str
    is_demo: bool
    at: datetime
    new_group_ids: Sequence[int]


class Server:
    """One run of `up`."""

    def __init__(self, options: ServerOptions, console: Console) -> None:
        self._options = options
        self._console = console
        self._data = find_data_directory(options.data)
        self._lock = InstanceLock(self._data.lock)

    def run(self) -> None:
        """Serve until a signal. Raises CommandError with a sentence for people, GaveUpError."""
        try:
            self._serve()
        except (Error, sqlite3.Error) as error:
            raise CommandError(
                f"The database cannot be used ({error}); repair it, restore one of {self._data.backups}, or choose "
                "another folder with --data."
            ) from None
        except OSError as error:
            place = error.filename or self._data.path
            raise CommandError(f"{place} cannot be used ({error.strerror}); put that right and start again.") from None

    def _serve(self) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, _leave)
        listener = self._claim()
        try:
            self._supervise(listener)
        finally:
            self._data.remove_foreign_broker_directory()

    def _supervise(self, listener: socket.socket) -> None:
        with self._begin(listener) as supervisor:
            prepared = self._start_all(supervisor, listener)
            for number in STOP_SIGNALS:
                signal.signal(number, supervisor.request_stop)
            start_scheduler(supervisor, since=prepared.at, new_group_ids=prepared.new_group_ids)
            supervisor.run()
            self._console.write("Stopping.")
            self._console.threshold = logging.ERROR
            listener.close()

    def _claim(self) -> socket.socket:
        self._data.prepare()
        self._lock.acquire()
        listener = open_listener(self._options.host, self._options.port)
        self._lock.publish(describe_address(listener, self._options.host))
        return listener

    def _begin(self, listener: socket.socket) -> Supervisor:
        """Return a supervisor; the private broker, if there is one, starts while the database is prepared."""
        directory = self._data.choose_broker_directory() if has_own_broker() else None
        broker = directory / "broker.sock" if directory else None
        hosts = choose_allowed_hosts(listener, self._options.host)
        address = describe_address(listener, self._options.host)
        environment = build_environment(self._data, broker=broker, allowed_hosts=hosts, address=address)
        supervisor = Supervisor(self._console, environment)
        if directory is not None and broker is not None:
            if stop_leftover(broker):
                self._console.write("A broker that was left behind has been stopped.")
            supervisor.start(describe_broker(directory))
        return supervisor

    def _start_all(self, supervisor: Supervisor, listener: socket.socket) -> Prepared:
        """Start everything but the scheduler, and say where it is."""
        prepared = self._prepare(supervisor)
        token = secrets.token_urlsafe(32)
        self._data.login_permission.touch()
        supervisor.start(describe_web(listener, {"LOGIN_TOKEN": token, "LOGIN_ACCOUNT": prepared.account}))
        for number in range(1, self._options.workers + 1):
            supervisor.start(describe_worker(number))
        self._greet(listener, account=prepared.account, token=token, is_demo=prepared.is_demo)
        return prepared

    def _prepare(self, supervisor: Supervisor) -> Prepared:
        now = timezone.now()
        self._data.use_for_database()
        prepare_database(self._data, now)
        account = ensure_operator()
        memory = DemoMemory.read(self._data.demo)
        is_demo = self._options.has_demo and wants_demo(memory)
        is_new = is_demo and not memory.is_loaded
        if is_demo:
            supervisor.start(open_demo(self._data, memory, now).describe_child(self._data))
        prepared = Prepared(account, is_demo, read_database_clock(), memory.group_ids if is_new else ())
        # Not kept: the children write from now on, and a file that is moved must not be held by us.
        connection.close()
        return prepared

    def _greet(self, listener: socket.socket, *, account: str, token: str, is_demo: bool) -> None:
        address = describe_address(listener, self._options.host)
        lines = [
            f"Status page   {address}",
            f"Admin         {address}login/{token}/  (logs you in as {account}, once; new at each start)",
            f"Data          {self._data.path}",
            "Stop          Ctrl-C",
        ]
        if not is_loopback(listener):
            shown = "The demo is" if is_demo else "This is"
            lines.append(
                f"Warning: {shown} open to everybody who can reach {address}, without encryption; "
                "put a buffering proxy with HTTPS in front, or leave --host out."
            )
        for line in lines:
            self._console.write(line)


def _leave(*_: object) -> NoReturn:
    """Leave before everything is started: what runs already is stopped on the way out."""
    sys.exit(0)
