"""Runs the clock in the foreground until it is told to stop. Two of them on different machines are a failover."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from healthcheck.beat import Ticker
from healthcheck.pulse import PulseFile


class Command(BaseCommand):
    help = "Claims due groups and wakes the workers. Run one, or more for failover."

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        ticker = Ticker(pulse=PulseFile())
        while not stopping.is_set():
            stopping.wait(ticker.step())
        ticker.stop()
