#!/usr/bin/env python
"""Django's command-line utility."""

from __future__ import annotations

import os
import sys


def fill_standard_handles() -> None:
    """Open nothing in the place of a closed standard stream: the next file or socket would get its number."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(handle)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    fill_standard_handles()
    try:
        # Here, because it takes long enough for a Ctrl-C to fall into it.
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line

        try:
            execute_from_command_line(sys.argv)
        except ImproperlyConfigured as error:
            # The settings cannot be read. The sentence names the cure, and a traceback would bury it.
            sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        # Ctrl-C before a command has set its own handler, or in one that has none.
        sys.exit(130)
