"""Large blocks go back to the system as soon as they are freed, where the C library is glibc."""

from __future__ import annotations

import ctypes
import sys

# Of malloc.h. Without it glibc raises the size from which a block is mapped by itself up to 32 MB as large bodies come
# and go, and keeps them between small blocks: 70 MB of 180 in a worker beside hostile targets.
_MMAP_THRESHOLD = -3
LARGE_BYTES = 1024 * 1024


def give_back_large_blocks() -> bool:
    """Have every block of at least LARGE_BYTES mapped by itself; True where that could be said."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(_MMAP_THRESHOLD, LARGE_BYTES) == 1
