"""Prunes as `manage.py prune` does, in a process of its own, and says as JSON when, and how long its batches took."""

from __future__ import annotations

import json
import sys

import django
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from tests.figures.written import time_written


def main() -> None:
    django.setup()
    connection.ensure_connection()
    began = timezone.now()
    with time_written("DELETE") as written:
        call_command("prune", seconds=float(sys.argv[1]), stdout=sys.stderr)
    said = {"began": began.isoformat(), "ended": timezone.now().isoformat(), "batches": written.seconds}
    connection.close()
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
