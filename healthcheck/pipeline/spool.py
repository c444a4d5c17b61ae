"""Where results wait that could not be stored: a folder of this machine, with a file per worker process.

Only keeps lines and hands files out; `replay.py` stores what they hold.
"""

from __future__ import annotations

import logging
import threading
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from healthcheck.conf import get_settings
from healthcheck.pipeline.spool_files import (
    ASIDE,
    SUFFIX,
    SpoolFile,
    SpoolUnusableError,
    adopt_file,
    begin_file,
    find_owned,
    list_files,
    measure_files,
    name_owned,
    prepare_folder,
    read_beginning,
)
from healthcheck.pipeline.spool_format import SpooledRun, count_results, write_line

logger = logging.getLogger(__name__)

# Of all files of a folder together. An outage costs what was under way when it began, since no run can be taken without
# the database: 64 MiB are some 400,000 results, and a disk hardly notices. What does not fit is dropped, the newest:
# what is once in a file stays there, and history has no hole before it ends.
MAX_SPOOL_BYTES = 64 * 1024 * 1024
# A file is closed once it is larger: what a killed replay does twice is bounded by it.
FILE_BYTES = 4 * 1024 * 1024
# So often a run has failed while the database took others: then it is not the database that is at fault.
MAX_FAILURES = 3
# This worker, and the processes that its pool forks.
OWNER = uuid.uuid4().hex[:12]


@dataclass(slots=True)
class _Failing:
    """A run that the database would not take: how often, and how many others it had taken by the last time."""

    failures: int
    taken: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in a spool: so many results, in files begun since an instant."""

    count: int = 0
    since: datetime | None = None


NOTHING = Waiting()


class Spool:
    """The spool of this process in a folder. Safe to share between threads."""

    def __init__(
        self, folder: Path, *, owner: str = OWNER, max_bytes: int = MAX_SPOOL_BYTES, file_bytes: int = FILE_BYTES
    ) -> None:
        self.folder, self.owner, self.max_bytes, self.file_bytes = folder, owner, max_bytes, file_bytes
        # Results that this process could neither store nor keep.
        self.dropped = 0
        # Set once the database has answered while something waits.
        self.stirred = threading.Event()
        self._waits = False
        self._taken = 0
        # By the hash of what was read.
        self._failing: dict[int, _Failing] = {}
        self._lock = threading.Lock()
        self._file: SpoolFile | None = None

    def keep(self, run: SpooledRun) -> bool:
        """Keep the results of a run, on the disk when this returns. False when they are dropped: logged and counted."""
        line, results = write_line(run), len(run.findings)
        extra = {"run": run.taken.run_id, "results": results}
        try:
            with self._lock:
                file = self._append(line)
            file.sync()
        except (OSError, SpoolUnusableError) as error:
            self.count_dropped(results)
            reason = error.strerror if isinstance(error, OSError) else str(error)
            logger.error("results dropped, the spool cannot keep them", extra=extra | {"error": reason})
            return False
        return True

    def count_dropped(self, results: int) -> None:
        with self._lock:
            self.dropped += results

    def stir(self) -> None:
        """Say that the database has taken a run: what waits is tried now."""
        self.note_taken()
        if self._waits:
            self.stirred.set()

    def note_taken(self) -> None:
        with self._lock:
            self._taken += 1

    def count_failure(self, body: bytes) -> bool:
        """Count that the database would not take a run; return whether it did so often enough while it took others."""
        key = hash(body)
        with self._lock:
            known = self._failing.setdefault(key, _Failing(0, -1))
            if known.taken != self._taken:
                known.failures, known.taken = known.failures + 1, self._taken
            return known.failures > MAX_FAILURES

    def adopt(self) -> SpoolFile | None:
        """Return the oldest file that is to be replayed and that nobody holds, locked; None when there is none.

        What this process appended is among them: its file is closed, and the next line begins another. Raises OSError.
        """
        with self._lock:
            self._waits = False
            self._seal()
        paths = list_files(self.folder, SUFFIX)
        if not paths:
            self._failing.clear()
        return next((file for path in paths if (file := adopt_file(path, self.owner)) is not None), None)

    def close(self) -> None:
        """Let go of the own file. The next line begins another."""
        with self._lock:
            self._seal()

    def release(self, file: SpoolFile) -> None:
        """Give back a file of which something waits yet."""
        self._waits = True
        file.close()

    def return_aside(self) -> None:
        """Put back what another release kept aside: this one may be able to read it. Raises OSError."""
        for path in list_files(self.folder, ASIDE):
            path.rename(path.with_name(f"{name_owned(path, self.owner)}{SUFFIX}"))

    def survey(self) -> Waiting:
        """Return what waits in the files that this worker answers for, aside or not. Raises OSError."""
        counted, began_at = 0, None
        for path in find_owned(self.folder, self.owner):
            count = _count(path)
            counted += count
            if count and began_at is None:
                began_at = read_beginning(path)
        return Waiting(counted, began_at)

    def _append(self, line: bytes) -> SpoolFile:
        if self._file is None:
            prepare_folder(self.folder)
        if measure_files(self.folder) + len(line) > self.max_bytes:
            raise SpoolUnusableError(f"It holds as much as it may, {self.max_bytes} bytes.")
        if self._file is None:
            self._file = begin_file(self.folder, self.owner)
        file = self._file
        try:
            file.append(line)
        except OSError:
            # Whatever of the line may still be there must stay the last of its file.
            self._seal()
            raise
        self._waits = True
        if file.size >= self.file_bytes:
            self._seal()
        return file

    def _seal(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _count(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return count_results(file)
    except FileNotFoundError:
        # Replayed since.
        return 0


def get_spool() -> Spool | None:
    """Return the spool of this process; None where the settings name no folder."""
    folder = get_settings().spool_dir
    if not folder:
        return None
    with _spools_lock:
        if folder not in _spools:
            _spools[folder] = Spool(Path(folder))
        return _spools[folder]


_spools: dict[str, Spool] = {}
_spools_lock = threading.Lock()
