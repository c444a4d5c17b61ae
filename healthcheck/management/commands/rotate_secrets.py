"""Rotates the keys that secrets are sealed with: a new one goes first, this command runs, the old one goes."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from healthcheck.models.secrets import SecretsError, make_key
from healthcheck.pipeline.rotate import rotate_secrets


class Command(BaseCommand):
    help = "Seals all secrets with the first of the encryption keys, after which the others are not needed."
    # A key that is malformed is what this is run for, and its own sentence says so.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--new-key", action="store_true", help="Print a fresh key and touch nothing.")
        parser.add_argument("--dry-run", action="store_true", help="Count what would be sealed again, write nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new_key"]:
            self.stdout.write(make_key())
            return
        try:
            rotation = rotate_secrets(is_dry=options["dry_run"])
        except SecretsError as error:
            raise CommandError(str(error)) from None
        verb = "would be sealed" if options["dry_run"] else "sealed"
        self.stdout.write(f"{rotation.resealed} {verb} with the first key, {rotation.current} were already.")
        if rotation.unreadable:
            names = ", ".join(f"“{name}”" for name in rotation.unreadable)
            raise CommandError(
                f"No key opens {len(rotation.unreadable)}, which stay as they are: {names}. Add the key that sealed "
                "them, or enter their secrets again."
            )
