"""Writes endpoints or groups as CSV, as the admin's export does, headers and bodies included."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from healthcheck.definitions.csv_export import write_csv
from healthcheck.management.definition_files import add_kind_option, choose_model
from healthcheck.models import Endpoint, EndpointGroup


class Command(BaseCommand):
    help = "Writes all endpoints (or groups) as CSV, to a file or to the terminal."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", help="The file to write, replaced if it exists; else standard output.")
        add_kind_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = _list_groups() if options["groups"] else _list_endpoints()
        pieces = write_csv(choose_model(groups=options["groups"]), chosen, shows_hidden=True)
        if options["file"] is None:
            for piece in pieces:
                self.stdout.write(piece, ending="")
            return
        try:
            _write_private(options["file"], pieces)
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be written: {error.strerror}.") from None
        print(f"Wrote {len(chosen)} rows to {options['file']}.", file=sys.stderr)


def _list_groups() -> list[int]:
    return list(EndpointGroup.objects.existing().order_by("position", "pk").values_list("pk", flat=True))


def _list_endpoints() -> list[int]:
    rows = Endpoint.objects.existing().filter(group__deleted_at__isnull=True)
    return list(rows.order_by("group__position", "group_id", "position", "pk").values_list("pk", flat=True))


def _write_private(name: str, pieces: Iterable[str]) -> None:
    # It holds headers, which are as secret as passwords: nobody else may read it.
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.writelines(pieces)
