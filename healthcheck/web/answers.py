"""Pages that were just rendered, kept by each process for a few seconds: a crowd costs one rendering, not one each.

What is kept is the same for everybody who may see it, so it is looked up only after the visitor was let in.
"""

from __future__ import annotations

import gzip
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock

# For how long an answer may be shown, whoever keeps it: a browser, a proxy or this process, all together.
MAX_AGE_SECONDS = 5
# Bounds the memory of a process; a page of a thousand endpoints is one megabyte.
MAX_KEPT_BYTES = 32 * 1024 * 1024
# Packed faster than it is rendered, and smaller than a higher level makes worthwhile.
_LEVEL = 2
# Below this a packet is not full anyhow.
_MIN_PACKED_BYTES = 512


@dataclass(frozen=True, slots=True)
class Answer:
    """A rendered body and its packed twin. `made_at` is a monotonic instant."""

    content: bytes
    packed: bytes
    etag: str
    content_type: str
    made_at: float

    @property
    def size(self) -> int:
        return len(self.content) + len(self.packed)


def pack(content: bytes, content_type: str, *, at: float) -> Answer:
    """Return the body with what every request for it would compute again."""
    # No secret of anybody stands beside text of a visitor in these pages, so packing them betrays nothing. Without a
    # time in its header, the same content is the same packed content.
    packed = gzip.compress(content, _LEVEL, mtime=0) if len(content) >= _MIN_PACKED_BYTES else b""
    # Weak: the packed twin is the same page in other bytes.
    etag = f'W/"{blake2b(content, digest_size=16).hexdigest()}"'
    return Answer(content, packed, etag, content_type, at)


class Answers:
    """The kept answers, least recently used last. Safe to share between threads."""

    def __init__(self, max_bytes: int = MAX_KEPT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Hashable, Answer] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def find(self, key: Hashable, *, at: float) -> Answer | None:
        """Return the answer of that key while it may be shown at that monotonic instant."""
        with self._lock:
            answer = self._kept.get(key)
            if answer is None or at - answer.made_at >= MAX_AGE_SECONDS:
                return None
            self._kept.move_to_end(key)
            return answer

    def keep(self, key: Hashable, answer: Answer) -> None:
        """Keep it, in the place of what is over and, where room is short, of what was used least lately."""
        with self._lock:
            if (former := self._kept.pop(key, None)) is not None:
                self._bytes -= former.size
            self._kept[key] = answer
            self._bytes += answer.size
            while len(self._kept) > 1 and (self._bytes > self._max_bytes or self._is_oldest_over(answer.made_at)):
                self._bytes -= self._kept.popitem(last=False)[1].size

    def _is_oldest_over(self, at: float) -> bool:
        return at - next(iter(self._kept.values())).made_at >= MAX_AGE_SECONDS

    def forget(self) -> None:
        """Drop everything, for whoever cannot wait those seconds."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0


ANSWERS = Answers()
