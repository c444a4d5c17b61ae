"""Runs a module or a script in this process, and ends the process once the supervisor is gone.

Started by its path, so that a child which needs neither Django nor Celery imports neither.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

# Enough for a worker to close its runs; nobody is left to kill what takes longer.
SECONDS_TO_END = 8.0


def end_with_supervisor() -> None:
    """Wait for the end of standard input, a pipe whose other end only the supervisor holds. Then end the group."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_END)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    threading.Thread(target=end_with_supervisor, daemon=True).start()
    sys.path.insert(0, str(os.getcwd()))  # noqa: PTH109  # pathlib would cost every child its import
    del sys.argv[0]
    if sys.argv[0].endswith(".py"):
        runpy.run_path(sys.argv[0], run_name="__main__")
    else:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
