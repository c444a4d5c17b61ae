"""Stores what waits in the spool once the database is back: oldest first, each run by itself, its token guarding it.

Replaying twice stores once, so nothing is remembered beyond the files: one that is done with is removed, and what a
killed process had not removed is replayed again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from django.db import DatabaseError

from healthcheck.models import CheckRun, RunStatus
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.database import DATABASE_AWAY, call_in_database_thread, name_error
from healthcheck.pipeline.record import record_run
from healthcheck.pipeline.spool import Spool, get_spool
from healthcheck.pipeline.spool_files import SpoolFile, SpoolUnusableError, keep_aside, prepare_folder
from healthcheck.pipeline.spool_format import VERSION, SpooledRun, read_lines, read_run

logger = logging.getLogger(__name__)

# How long what waits is left alone when no run of ours says that the database is back: what dead processes left too.
REPLAY_SECONDS = 10.0

# What became of results, as words of the log.
STORED, ALREADY, TAKEN_OVER, GONE, REFUSED = "stored", "already_stored", "taken_over", "gone", "refused"
DAMAGED, ASIDE = "damaged_lines", "kept_aside"
DROPPED = (TAKEN_OVER, GONE)
# What the database refuses, and what a line says that no column has room for. One such line must not end the replay.
_UNSTORABLE = (DatabaseError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_UNREAD = "results of another release are kept aside; a worker of that release replays them"
_REFUSED = "results that cannot be stored are kept aside; the next start of a worker tries them again"


class Replayer:
    """Replays the spool of a process on a thread of its own, until it is stopped."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; a second start does nothing. Without a usable spool that is logged, and nothing begins."""
        spool = get_spool()
        if spool is None:
            logger.info("no spool: results are lost while the database is away; set SPOOL_DIR of HEALTHCHECK")
            return
        try:
            prepare_folder(spool.folder)
            spool.return_aside()
        except (OSError, SpoolUnusableError) as error:
            logger.error("the spool cannot be used", extra={"error": str(error)})
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(spool,), name="healthcheck-replay", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Begin nothing more. Waits for nobody: a replay that is cut off is done again by whoever comes next."""
        self._stopping.set()

    def _run(self, spool: Spool) -> None:
        while not self._stopping.is_set():
            replay(spool, is_stopping=self._stopping.is_set)
            spool.stirred.wait(REPLAY_SECONDS)
            spool.stirred.clear()


def replay(spool: Spool, *, is_stopping: Callable[[], bool] = lambda: False) -> Counter[str]:
    """Replay what can be had until the database is away or somebody stops; return what became of the results."""
    ends: Counter[str] = Counter()
    try:
        while not is_stopping() and (file := spool.adopt()) is not None:
            if not _replay_file(spool, file, ends, is_stopping):
                break
    except OSError as error:
        logger.error("the spool cannot be read", extra={"error": error.strerror})
    if ends:
        dropped = sum(ends[end] for end in DROPPED)
        level = logging.ERROR if dropped or ends[DAMAGED] or ends[REFUSED] else logging.WARNING
        logger.log(level, "spool replayed", extra={**ends, "dropped": dropped})
        spool.count_dropped(dropped)
    return ends


def _replay_file(spool: Spool, file: SpoolFile, ends: Counter[str], is_stopping: Callable[[], bool]) -> bool:
    """Return whether it is done with."""
    unread, refused = list[bytes](), list[bytes]()
    try:
        with file.path.open("rb") as stream:
            for line in read_lines(stream):
                if is_stopping():
                    raise _InterruptedError
                if line.body is None:
                    ends[DAMAGED] += 1
                elif line.version != VERSION:
                    ends[ASIDE] += line.results
                    unread.append(line.raw)
                elif not _replay_body(spool, line.body, line.results, ends):
                    refused.append(line.raw)
        _keep_aside(spool, unread, refused)
    except _InterruptedError:
        spool.release(file)
        return False
    except OSError:
        spool.release(file)
        raise
    file.remove()
    return True


def _keep_aside(spool: Spool, unread: Sequence[bytes], refused: Sequence[bytes]) -> None:
    for lines, words in ((unread, _UNREAD), (refused, _REFUSED)):
        if lines:
            keep_aside(spool.folder, spool.owner, b"".join(lines))
            logger.error(words, extra={"folder": str(spool.folder)})


class _InterruptedError(Exception):
    """The database is away, or the process stops: what is left waits on."""


def _replay_body(spool: Spool, body: bytes, results: int, ends: Counter[str]) -> bool:
    """Return False for what cannot be stored, which must not keep the others waiting for ever."""
    began = time.monotonic()
    end = _read_and_store(spool, body)
    ends[end] += results
    if end == STORED:
        spool.note_taken()
    # As long as it took: half of the database's time is left to what is measured now.
    time.sleep(time.monotonic() - began)
    return end != REFUSED


def _read_and_store(spool: Spool, body: bytes) -> str:
    try:
        run = read_run(body)
    except _UNSTORABLE as error:
        logger.error("spooled run cannot be read", extra={"error": type(error).__name__})
        return REFUSED
    for is_last in (False, True):
        try:
            return call_in_database_thread(_store, run)
        except DATABASE_AWAY as error:
            extra = {"run": run.taken.run_id, "error": name_error(error)}
            if not spool.count_failure(body):
                logger.warning("database away, the spool waits", extra=extra)
                raise _InterruptedError from error
            logger.error("spooled run failed while others were stored", extra=extra)
            return REFUSED
        except _UNSTORABLE as error:
            # A second try tells what was done at the same moment from what is never taken.
            if is_last:
                logger.error("spooled run refused", extra={"run": run.taken.run_id, "error": name_error(error)})
    return REFUSED


def _store(run: SpooledRun) -> str:
    taken = run.taken
    # By more than its id: in a database that was restored from a copy, the id may be another run's.
    runs = CheckRun.objects.filter(pk=taken.run_id, group=taken.group_id, scheduled_for=taken.slot_at)
    if not runs.exists():
        return GONE
    is_finished = runs.filter(token=taken.token, status=RunStatus.FINISHED).exists
    if is_finished():
        return ALREADY
    if record_run(taken, run.findings, now=read_database_clock(), wall_us=run.wall_us) is not None:
        return STORED
    # Asked once more: what nobody waited for any longer may have been stored meanwhile.
    return ALREADY if is_finished() else TAKEN_OVER
