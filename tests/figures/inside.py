"""`python -m tests.figures.inside MODULE SIZE`: measures in a network of its own, see `namespace.py`; rows as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command

from tests.figures.table import Row
from tests.golden.namespace import call, put_files
from tests.servers import run_postgres

# Names are asked of the name server alone, but for our own.
_FILES = {"resolv.conf": "nameserver 127.0.0.1\n", "nsswitch.conf": "hosts: files dns\n"}


def main() -> None:
    call("ip", "link", "set", "lo", "up")
    put_files(Path(os.environ["HEALTHCHECK_DATA"]), _FILES)
    with ExitStack() as stack:
        server = None
        if not os.environ["DATABASE_URL"].startswith("sqlite"):
            # One of our own, which is stopped and started.
            server = stack.enter_context(run_postgres())
            os.environ["DATABASE_URL"] = server.url()
        django.setup()
        call_command("migrate", verbosity=0)
        # Its models need the settings.
        module: Any = import_module(f"tests.figures.{sys.argv[1]}")
        rows: Iterator[Row] = module.measure(int(sys.argv[2]), server)
        for row in rows:
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
