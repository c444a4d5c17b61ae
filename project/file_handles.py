"""The limit of open files, which is also the limit of checks under way."""

from __future__ import annotations

try:
    import resource
except ImportError:  # Windows has no such limit.
    resource = None  # type: ignore[assignment]

# More than any worker uses. An unlimited one (a billion in some containers) makes whoever walks all handles crawl.
ENOUGH = 65_536
# macOS refuses more than this to a process although it calls its hard limit unlimited.
REFUSED_BEYOND = 10_240


def raise_file_handle_limit() -> int:
    """Raise the soft limit to the hard one, `ENOUGH` at most, and return the limit in force; 0 where there is none."""
    if resource is None:
        return 0
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    allowed = ENOUGH if hard == unlimited else min(hard, ENOUGH)
    if soft == unlimited or soft >= allowed:
        return soft
    for wanted in (allowed, min(allowed, REFUSED_BEYOND)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):
            continue
        return wanted
    return soft
