"""The few threads of a process that talk to the database for its runs, each with a connection that it keeps.

Celery closes Django's connections around every task, and a task of ours only waits: hundreds of waiting threads with a
connection each would exhaust PostgreSQL and queue on SQLite.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import connections

from healthcheck.conf import get_settings

P = ParamSpec("P")
T = TypeVar("T")

_lock = threading.Lock()
_pools: dict[int, ThreadPoolExecutor] = {}


def call_in_database_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function` on a database thread and return what it returns, or raise what it raises."""
    return _pool().submit(_on_valid_connection, partial(function, *args, **kwargs)).result()


def _pool() -> ThreadPoolExecutor:
    # By process: a forked child must not wait for threads that only its parent has.
    with _lock:
        pid = os.getpid()
        if pid not in _pools:
            _pools.clear()
            _pools[pid] = ThreadPoolExecutor(get_settings().database_threads, thread_name_prefix="database")
        return _pools[pid]


def _on_valid_connection(function: Callable[[], T]) -> T:
    for connection in connections.all(initialized_only=True):
        # After an error the next use finds out whether the connection still works, and opens a new one if not.
        connection.close_if_unusable_or_obsolete()
    return function()
