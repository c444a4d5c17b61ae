"""Loads the demo into a database that already holds groups, or takes every trace of it away."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from project.embedded.data_directory import DataDirectory, find_data_directory
from project.embedded.demo.memory import DemoMemory
from project.embedded.demo.rows import remove_demo
from project.embedded.demo.start import open_demo


class Command(BaseCommand):
    help = "Loads the demo of `up`, or removes it together with everything that was recorded about it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        action = parser.add_mutually_exclusive_group(required=True)
        action.add_argument("--load", action="store_true", help="Add the demo's groups.")
        action.add_argument("--remove", action="store_true", help="Remove them; `up` does not load them again.")
        parser.add_argument("--data", help="The data directory of `up` (default: data in the checkout).")

    def handle(self, *args: Any, **options: Any) -> None:
        data = find_data_directory(options["data"])
        data.prepare()
        data.use_for_database()
        memory = DemoMemory.read(data.demo)
        if options["load"]:
            self._load(data, memory)
        else:
            self._remove(data, memory)

    def _load(self, data: DataDirectory, memory: DemoMemory) -> None:
        if memory.is_loaded:
            raise CommandError("The demo is loaded already; remove it first with `demo --remove`.")
        try:
            open_demo(data, memory, timezone.now()).close()
        except ValidationError as error:
            raise CommandError(f"The demo does not fit in: {' '.join(error.messages)}") from None
        self.stdout.write("The demo is loaded. Its targets answer from the next start of `up` on.")

    def _remove(self, data: DataDirectory, memory: DemoMemory) -> None:
        was_loaded = memory.is_loaded
        if not remove_demo(memory, data.demo, timezone.now()):
            raise CommandError("The demo is no longer checked, but not all results are gone yet; run this once more.")
        if was_loaded:
            self.stdout.write("The demo is removed with everything that was recorded about it.")
        else:
            self.stdout.write("There is no demo to remove, and `up` loads none by itself.")
