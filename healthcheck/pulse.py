"""The pulse of a scheduler as a file, for a container's health check: its age says when the last good tick was."""

from __future__ import annotations

import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)


class PulseFile:
    """Touches the file that SCHEDULER_PULSE_FILE names. Without that variable it does nothing."""

    def __init__(self) -> None:
        named = os.environ.get("SCHEDULER_PULSE_FILE")
        self._file = Path(named) if named else None
        self._is_lost = False

    def beat(self) -> None:
        """Give a sign of life. A file that cannot be touched is logged, once, and never stops the clock."""
        if self._file is None:
            return
        try:
            self._file.touch()
        except OSError as error:
            if not self._is_lost:
                logger.warning("pulse file cannot be touched", extra={"error": error.strerror})
            self._is_lost = True
        else:
            self._is_lost = False
