"""Stops a broker that an earlier `up` left behind. Only the holder of the lock may ask."""

from __future__ import annotations

import socket
import time
from pathlib import Path

SECONDS_TO_END = 3.0
PAUSE_SECONDS = 0.05


def stop_leftover(broker: Path) -> bool:
    """Tell whatever answers on this socket to end, and wait. Return whether something answered."""
    answered = False
    deadline = time.monotonic() + SECONDS_TO_END
    while time.monotonic() < deadline and _ask_to_end(broker):
        answered = True
        time.sleep(PAUSE_SECONDS)
    return answered


def _ask_to_end(broker: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(broker))
            client.sendall(b"SHUTDOWN NOSAVE\r\n")
            # It answers by hanging up.
            client.recv(64)
        except OSError:
            return False
    return True
