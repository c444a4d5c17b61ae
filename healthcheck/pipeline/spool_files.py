"""The files of a spool: locked as long as their owner lives, however it ends. One without a lock is anybody's.

A file's name begins with the instant at which it was begun, so that the oldest is first, and holds the worker that
answers for it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

logger = logging.getLogger(__name__)

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
SUFFIX, ASIDE, _UNLOCKED = ".spool", ".aside", ".new"


class SpoolUnusableError(Exception):
    """The spool cannot be used. The text is one sentence that names the cure."""


class SpoolFile:
    """A file that this process holds the lock of."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self.size = self._synced = os.fstat(descriptor).st_size
        self._syncing = threading.Lock()
        self._is_closed = False

    def append(self, line: bytes) -> None:
        """Append the whole line or, where that fails, nothing of it. Raises OSError."""
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += len(line)

    def sync(self) -> None:
        """Put what was appended onto the disk. Of many threads that come at once, one does it for those that wait."""
        wanted = self.size
        with self._syncing:
            if self._synced < wanted and not self._is_closed:
                self._sync()

    def close(self) -> None:
        """Let go of it, all of it on the disk: whoever comes next may have it."""
        with self._syncing:
            if self._synced < self.size:
                self._sync()
            self._is_closed = True
            os.close(self._descriptor)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        with self._syncing:
            self._is_closed = True
            os.close(self._descriptor)

    def _sync(self) -> None:
        size = self.size
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            # It may be there all the same, and is replayed if so.
            logger.error("spool not synced, a crash of the machine would lose it", extra={"error": error.strerror})
        self._synced = size


def prepare_folder(folder: Path) -> None:
    """Make the folder. Raises SpoolUnusableError where others can look in, OSError where it cannot be made."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    found = folder.stat()
    if stat.S_IMODE(found.st_mode) & 0o077:
        # Not closed by us: it may be a folder such as /tmp, which is there for everybody.
        raise SpoolUnusableError(f"Others can look into the spool's folder {folder}; make it private with chmod 700.")
    if found.st_uid != os.geteuid() != 0:
        raise SpoolUnusableError(f"The spool's folder {folder} is somebody else's; give it to the user of the worker.")


def list_files(folder: Path, suffix: str) -> list[Path]:
    """Return the files of a kind, the oldest first; none where there is no folder."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == suffix)
    except FileNotFoundError:
        return []


def begin_file(folder: Path, owner: str) -> SpoolFile:
    """Return a new file of `owner`, locked from the moment that others can see it. Raises OSError."""
    path = folder / f"{time.time_ns():020d}-{owner}-{uuid.uuid4().hex[:8]}{_UNLOCKED}"
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return SpoolFile(path.rename(path.with_suffix(SUFFIX)), descriptor)
    except OSError:
        os.close(descriptor)
        raise


def adopt_file(path: Path, owner: str) -> SpoolFile | None:
    """Return the file as one of `owner`; None when another process holds it, or has removed it. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Who came between our look and our lock has renamed or removed it.
        return SpoolFile(path.rename(path.with_stem(name_owned(path, owner))), descriptor)
    except (BlockingIOError, FileNotFoundError):
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise


def name_owned(path: Path, owner: str) -> str:
    """Return what a file is called, without its suffix, once `owner` answers for it."""
    began, _, rest = path.stem.partition("-")
    return f"{began}-{owner}-{rest.rpartition('-')[2]}"


def keep_aside(folder: Path, owner: str, lines: bytes) -> None:
    """Keep lines in a file that is not replayed, whole or not at all. Raises OSError."""
    path = folder / f"{time.time_ns():020d}-{owner}-{uuid.uuid4().hex[:8]}{_UNLOCKED}"
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    file = SpoolFile(path, descriptor)
    try:
        file.append(lines)
    except OSError:
        file.remove()
        raise
    file.close()
    path.rename(path.with_suffix(ASIDE))


def find_owned(folder: Path, owner: str) -> list[Path]:
    """Return the files that `owner` answers for, the oldest first, those that are kept aside included."""
    paths = (path for suffix in (SUFFIX, ASIDE) for path in list_files(folder, suffix))
    return sorted(path for path in paths if f"-{owner}-" in path.name)


def measure_files(folder: Path) -> int:
    """Return how many bytes the files of the folder hold, those that are kept aside included."""
    return sum(_measure(path) for suffix in (SUFFIX, ASIDE) for path in list_files(folder, suffix))


def read_beginning(path: Path) -> datetime:
    """Return when the file was begun, by this machine's clock then."""
    return datetime.fromtimestamp(int(path.name.partition("-")[0]) / 1e9, UTC)


def _measure(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
