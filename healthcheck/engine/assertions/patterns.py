"""Regular expressions that people write: linear time, refused when saved if they could cost too much."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import re2

from healthcheck.engine.types import ConfigurationError

MAX_PATTERN_CHARS = 500
# RE2's slowest engine, measured with `[01]*1[01]{n}x` on random digits.
NS_PER_BYTE_AND_INSTRUCTION = 7
# Instructions of the compiled program: one half of the cost of a search; the other is the length of the text.
MAX_PROGRAM_SIZE = 1000
# Bytes times instructions of one search: about 1.3 s at the very worst, and a few milliseconds for common patterns.
MAX_SEARCH_WORK = 200_000_000
# Bytes that one compiled pattern may keep for its states. More would not help the worst case and is kept per pattern.
MAX_PATTERN_MEMORY = 256 * 1024


class TooMuchToSearchError(Exception):
    """The text is too long for the pattern: searching it could take too long."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; equal when its text is."""

    text: str
    program: Any = field(compare=False, repr=False)

    def estimate_ns(self, size: int) -> int:
        """Return what one search of so many bytes takes at the worst."""
        ns: int = size * self.program.programsize * NS_PER_BYTE_AND_INSTRUCTION
        return ns

    def find(self, text: bytes) -> tuple[int, int] | None:
        """Return the byte offsets of the first match in UTF-8 text, or None. Raises TooMuchToSearchError."""
        if len(text) * self.program.programsize > MAX_SEARCH_WORK:
            raise TooMuchToSearchError
        found = self.program.search(text)
        return found.span() if found else None

    def find_group(self, text: bytes) -> bytes | None:
        """Return what the first group matches, or all of it without one; None for no match."""
        if len(text) * self.program.programsize > MAX_SEARCH_WORK:
            raise TooMuchToSearchError
        found = self.program.search(text)
        if found is None:
            return None
        group: bytes | None = found.group(1 if self.program.groups else 0)
        return group or b""


def compile_pattern(text: str, *, position: int | None = None, captures: bool = False) -> Pattern:
    """Compile a pattern in RE2's syntax; groups are kept where it `captures`. Raises ConfigurationError."""
    if len(text) > MAX_PATTERN_CHARS:
        raise ConfigurationError(
            f"The regular expression has {len(text)} characters; use at most {MAX_PATTERN_CHARS}.", position=position
        )
    try:
        program = re2.compile(text, options=_options(captures))
    except re2.error as error:
        reason = _read_reason(error)
        raise ConfigurationError(
            f"The regular expression is not accepted: {reason}. Write it in RE2's syntax (no look-around, no "
            "back-references).",
            position=position,
        ) from None
    if program.programsize > MAX_PROGRAM_SIZE:
        raise ConfigurationError(
            f"The regular expression is too large (size {program.programsize} of at most {MAX_PROGRAM_SIZE}); use "
            "fewer alternatives or smaller repetitions.",
            position=position,
        )
    return Pattern(text, program)


def _options(captures: bool) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = not captures
    options.max_mem = MAX_PATTERN_MEMORY
    return options


def _read_reason(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return text[:120]
