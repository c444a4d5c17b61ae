"""What the commands at the terminal share: how they end, what they say when they cannot, and where logs go.

Exit statuses: 0 when all is well, 1 when what was checked is not up, 2 when the question cannot be asked as it stands,
130 after Ctrl-C.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from healthcheck.engine.types import ConfigurationError
from healthcheck.management.screen import Screen, open_screen
from healthcheck.pipeline.database import name_error

NOT_UP, MISUSE, INTERRUPTED = 1, 2, 130


Answer = TypeVar("Answer")


class TerminalCommand(BaseCommand, Generic[Answer]):
    """A command whose answer is its standard output and its exit status: it asks first and tells then."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print JSON for programs instead of text for people.")

    def ask(self, options: dict[str, Any]) -> tuple[Answer, bool]:
        """Return the answer and whether all is well. Raises ConfigurationError and whatever a database raises."""
        raise NotImplementedError

    def tell(self, answer: Answer, screen: Screen) -> None:
        """Write the answer for people."""
        raise NotImplementedError

    def describe(self, answer: Answer) -> object:
        """Return the answer for programs, as plain JSON values."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        _tolerate_any_character()
        # Lines end where a screen ends them.
        self.stdout.ending = ""
        try:
            with _logging_to_stderr():
                answer, is_well = self.ask(options)
                self._write(answer, options)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except (ConfigurationError, ImproperlyConfigured) as error:
            raise CommandError(str(error), returncode=MISUSE) from None
        except DatabaseError as error:
            raise CommandError(_explain_database(error), returncode=MISUSE) from None
        if not is_well:
            sys.exit(NOT_UP)

    def open_screen(self, options: dict[str, Any]) -> Screen:
        return open_screen(self.stdout, may_colour=not options["no_color"])  # type: ignore[arg-type]

    def _write(self, answer: Answer, options: dict[str, Any]) -> None:
        try:
            if options["json"]:
                # In ASCII, so that nothing in it can drive a terminal.
                self.stdout.write(json.dumps(self.describe(answer), indent=2) + "\n")
            else:
                self.tell(answer, self.open_screen(options))
            self.stdout.flush()
        except BrokenPipeError:
            # Who reads has read enough, such as `head`. The interpreter's own flush at exit must not fail once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain_database(error: DatabaseError) -> str:
    # Its own words quote data.
    return (
        f"The database cannot be used ({name_error(error)}); see that its server runs and that "
        "`manage.py migrate` has made the tables."
    )


def _tolerate_any_character() -> None:
    # What the terminal's encoding lacks becomes a question mark instead of an exception.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


@contextmanager
def _logging_to_stderr() -> Iterator[None]:
    """Keep logs out of the answer, which a program may be reading, wherever the project sends them."""
    handlers = [
        handler
        for handler in {*logging.getLogger().handlers, *logging.getLogger("healthcheck").handlers}
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout
    ]
    ours = logging.getLogger("healthcheck")
    level = ours.level
    # The line per run is a shorter version of the answer, and an end by Ctrl-C is no news.
    ours.setLevel(logging.WARNING)
    for handler in handlers:
        handler.setStream(sys.stderr)
    try:
        yield
    finally:
        ours.setLevel(level)
        for handler in handlers:
            handler.setStream(sys.stdout)
