"""The heartbeat of the checker itself: after so many good slots it calls a URL, whose owner notices when that stops."""

from __future__ import annotations

import logging
import threading

from healthcheck.conf import get_settings
from healthcheck.notifiers.contract import Reach
from healthcheck.notifiers.http import Call, NoReply, ask_all

logger = logging.getLogger(__name__)

CALL_SECONDS = 10.0


class OutgoingHeartbeat:
    """Counts the slots of a process. Best effort: no run waits for it, and a call that fails is made up by the next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots = 0
        self._thread: threading.Thread | None = None
        self._is_failing = False

    def count_slot(self) -> None:
        """Count a slot whose results are stored; every so many begin a call, unless one is still under way."""
        settings = get_settings()
        if not settings.watchdog_url:
            return
        with self._lock:
            self._slots += 1
            if self._slots < settings.watchdog_slots or (self._thread is not None and self._thread.is_alive()):
                return
            self._slots = 0
            self._thread = threading.Thread(target=self._call, name="healthcheck-heartbeat", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Wait for a call that is under way."""
        if self._thread is not None:
            self._thread.join()

    def _call(self) -> None:
        settings = get_settings()
        [reply] = ask_all([Call(settings.watchdog_url, b"")], Reach(settings.address_rules, CALL_SECONDS))
        is_good = not isinstance(reply, NoReply) and 200 <= reply.status < 300
        if not is_good and not self._is_failing:
            # Said once, not after each of the slots that follow. The URL may be a secret.
            said = reply.sentence if isinstance(reply, NoReply) else f"HTTP {reply.status}"
            logger.warning("heartbeat not taken", extra={"answer": said})
        self._is_failing = not is_good
