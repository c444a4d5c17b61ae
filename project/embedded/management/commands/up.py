"""Everything in one command: database, demo, pages, worker, scheduler and broker, until Ctrl-C."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from project.embedded.console import Console
from project.embedded.lock import require_platform
from project.embedded.server import Server, ServerOptions
from project.embedded.supervisor import GaveUpError

MAX_WORKERS = 64


class Command(BaseCommand):
    help = "Runs everything on this machine: pages, worker, scheduler, on SQLite and a broker of its own."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--data", help="Folder of the database and everything else (default: data in the checkout)."
        )
        parser.add_argument(
            "--host", type=_parse_host, default="127.0.0.1", help="Address to serve on (default: 127.0.0.1)."
        )
        parser.add_argument("--port", type=_parse_port, default=8000, help="Port to serve on (default: 8000; 0: any).")
        parser.add_argument("--no-demo", action="store_true", help="Do not load the demo into an empty database.")
        parser.add_argument("--workers", type=_parse_workers, default=1, help="Worker processes (default: 1).")

    def handle(self, *args: Any, **options: Any) -> None:
        require_platform()
        wanted = ServerOptions(
            data=options["data"],
            host=options["host"],
            port=options["port"],
            has_demo=not options["no_demo"],
            workers=options["workers"],
        )
        try:
            Server(wanted, Console()).run()
        except GaveUpError as error:
            raise CommandError(str(error)) from None


def _parse_host(text: str) -> str:
    """Take an IPv6 address in the brackets that it wears in a URL, too."""
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _parse_port(text: str) -> int:
    if not _is_number(text) or int(text) > 65535:
        raise ArgumentTypeError(f"{text} is not a port; give a number from 0 to 65535")
    return int(text)


def _parse_workers(text: str) -> int:
    if not _is_number(text) or not 1 <= int(text) <= MAX_WORKERS:
        raise ArgumentTypeError(f"{text} is not a number of workers; give 1 to {MAX_WORKERS}")
    return int(text)
