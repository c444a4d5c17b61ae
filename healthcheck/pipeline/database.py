"""The few threads of a process that talk to the database for its runs, each with a connection that it keeps.

Celery closes Django's connections around every task, and a task of ours only waits: hundreds of waiting threads with a
connection each would exhaust PostgreSQL and queue on SQLite.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, ParamSpec, TypeVar

from django.db import InterfaceError, InternalError, OperationalError, connections

from healthcheck.conf import get_settings

P = ParamSpec("P")
T = TypeVar("T")

# A database that is locked for too long, full, or without a place to write is away as well: all that can be done is to
# try again. InternalError is PostgreSQL's word for a server that is read-only for now, as during a failover.
DATABASE_AWAY = (OperationalError, InterfaceError, InternalError)

_lock = threading.Lock()


class _Pool(NamedTuple):
    executor: ThreadPoolExecutor
    size: int


_pools: dict[int, _Pool] = {}


def call_in_database_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function` on a database thread and return what it returns, or raise what it raises."""
    return submit_to_database_thread(function, *args, **kwargs).result()


def submit_to_database_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Have `function` called on a database thread, for whoever may not wait for as long as it takes."""
    return _pool().executor.submit(_on_valid_connection, partial(function, *args, **kwargs))


def name_error(error: Exception) -> str:
    """Return what may be logged of a database's error: its type and its code, never its words, which quote data."""
    cause = error.__cause__
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def close_database_threads() -> None:
    """End the threads of this process and close their connections. A later call starts new ones."""
    with _lock:
        pool = _pools.pop(os.getpid(), None)
    if pool is None:
        return
    # Each thread can close only its own connection, so each is held until all have a task.
    everyone = threading.Barrier(pool.size)
    for _ in range(pool.size):
        pool.executor.submit(_close_connections, everyone)
    pool.executor.shutdown()


def _close_connections(everyone: threading.Barrier) -> None:
    everyone.wait()
    connections.close_all()


def _pool() -> _Pool:
    # By process: a forked child must not wait for threads that only its parent has.
    with _lock:
        pid = os.getpid()
        if pid not in _pools:
            _pools.clear()
            size = get_settings().database_threads
            _pools[pid] = _Pool(ThreadPoolExecutor(size, thread_name_prefix="database"), size)
        return _pools[pid]


def _on_valid_connection(function: Callable[[], T]) -> T:
    for connection in connections.all(initialized_only=True):
        # CONN_MAX_AGE is about requests; 0, which is Django's default, would open a connection per call here.
        connection.close_at = None
        # After an error the next use finds out whether the connection still works, and opens a new one if not.
        connection.close_if_unusable_or_obsolete()
    return function()
