"""Times statements that write, by their table."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


class Written:
    """The seconds of each statement that begins with `verb`, by the name of the table that it writes to."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        verb, _, rest = sql.lstrip().partition(" ")
        if verb != self._verb:
            return execute(sql, params, many, context)
        table = rest.split()[1].strip('"')
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds[table].append(time.perf_counter() - started)


@contextmanager
def time_written(verb: str) -> Iterator[Written]:
    """Time what this thread writes. Outside of a transaction a statement's time is that of its commit, too."""
    written = Written(verb)
    with connection.execute_wrapper(written):
        yield written
