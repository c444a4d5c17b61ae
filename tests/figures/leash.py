"""Becomes a command that ends with its parent, and after some seconds at the latest: `leash.py SECONDS COMMAND...`.

The kernel holds the leash, so that it holds when the measuring process itself is killed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Replace this process; both the alarm and the signal survive the exec."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.alarm(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
