"""The Celery app of this deployment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import heartbeat_sent, setup_logging, worker_init

from project.file_handles import raise_file_handle_limit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

app = Celery("project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_logging(**_: Any) -> None:
    """Keep Celery from replacing the logging of the settings: it does so unless someone listens here."""


@worker_init.connect
def prepare_worker(**_: Any) -> None:
    """Let the worker open as many sockets as it may: each check is one."""
    raise_file_handle_limit()


@heartbeat_sent.connect
def show_pulse(**_: Any) -> None:
    """Touch the file that a container's health check looks at: asking a worker over the broker costs it a second."""
    if pulse := os.environ.get("WORKER_PULSE_FILE"):
        Path(pulse).touch()
