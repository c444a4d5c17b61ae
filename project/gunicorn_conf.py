"""How gunicorn serves: `gunicorn -c python:project.gunicorn_conf project.wsgi`. WEB_CONCURRENCY sets the processes."""

from __future__ import annotations

import os
from pathlib import Path

from project.logs import build_logging

bind = [f"0.0.0.0:{os.environ.get('PORT', '8000')}"]  # a container is reached from outside
# gthread, which by itself lets four clients that send a byte a second keep everybody else out.
worker_class = "project.web_worker.PatientWorker"
threads = int(os.environ.get("WEB_THREADS", "4"))
# Pages take milliseconds; what still runs after this is stuck. Shorter than the 10 s in which `up` stops.
graceful_timeout = 3
timeout = 60
# It would be made in the home directory, which a container has read-only or not at all.
control_socket_disable = True
# The heartbeat file on a disk can block for seconds under load, and the worker is then taken for dead.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  # gunicorn makes its own file in it
logconfig_dict = build_logging(
    log_format=os.environ.get("LOG_FORMAT", "json"), level=os.environ.get("LOG_LEVEL", "INFO")
)
