"""What `manage.py up` does about the demo: load it where nothing else is, serve its targets at their addresses."""

from __future__ import annotations

import socket
from datetime import datetime

from django.core.management.base import CommandError

from healthcheck.models import EndpointGroup
from project.embedded.children import ChildCommand, describe_targets
from project.embedded.data_directory import DataDirectory
from project.embedded.demo.authority import ensure_certificate
from project.embedded.demo.memory import DemoMemory
from project.embedded.demo.rows import follow_targets, load_demo
from project.embedded.listening import open_listener

LOOPBACK = "127.0.0.1"


class DemoTargets:
    """The demo's two listening sockets, open in this process until the child has them."""

    def __init__(self, memory: DemoMemory) -> None:
        self.plain = _listen_again(memory.http_port)
        self.tls = _listen_again(memory.tls_port)

    def describe_child(self, data: DataDirectory) -> ChildCommand:
        return describe_targets(self.plain, self.tls, data.demo)

    def close(self) -> None:
        self.plain.close()
        self.tls.close()

    @property
    def ports(self) -> tuple[int, int]:
        return self.plain.getsockname()[1], self.tls.getsockname()[1]


def _listen_again(port: int) -> socket.socket:
    """Take the port of the last start, so that addresses in the history stay right; another one if it is taken."""
    try:
        return open_listener(LOOPBACK, port)
    except CommandError:
        return open_listener(LOOPBACK, 0)


def wants_demo(memory: DemoMemory) -> bool:
    """Whether `up` shows the demo: it is there already, or there is nothing else and nobody has removed it."""
    return memory.is_loaded or not (memory.is_removed or EndpointGroup.objects.exists())


def open_demo(data: DataDirectory, memory: DemoMemory, now: datetime) -> DemoTargets:
    """Load the demo unless it is loaded, and return its sockets. Raises OSError, ValidationError."""
    authority = ensure_certificate(data.demo, now)
    targets = DemoTargets(memory)
    http_port, tls_port = targets.ports
    if memory.is_loaded:
        follow_targets(memory, authority, http_port=http_port, tls_port=tls_port)
    else:
        memory.http_port, memory.tls_port = http_port, tls_port
        load_demo(memory, authority)
    memory.write(data.demo)
    return targets
