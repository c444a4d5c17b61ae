"""Control targets: who is asked when everything else fails at once, as people write them. One host:port in a line."""

from __future__ import annotations

from functools import lru_cache

from healthcheck.engine.probes.stream_options import Place, parse_place
from healthcheck.engine.types import ConfigurationError

# One that fails for a reason of its own must not decide alone; more than a few are no more certain.
MAX_CONTROL_TARGETS = 5
FIELD = "control_targets"


# Each run of a location reads the same text.
@lru_cache(maxsize=256)
def parse_control_targets(text: str) -> tuple[Place, ...]:
    """Return where to connect to, each once. Raises ConfigurationError that names the line and the cure."""
    lines = [line.strip() for line in text.splitlines()]
    found = tuple(dict.fromkeys(_parse_line(number, line) for number, line in enumerate(lines, start=1) if line))
    if len(found) > MAX_CONTROL_TARGETS:
        sentence = f"There are {len(found)} control targets; keep at most {MAX_CONTROL_TARGETS}."
        raise ConfigurationError(sentence, field=FIELD)
    return found


def _parse_line(number: int, line: str) -> Place:
    try:
        if "://" not in line:
            return parse_place(line, "tcp")
    except ConfigurationError as error:
        raise ConfigurationError(f"Line {number}: {error.sentence}", field=FIELD) from None
    sentence = f"Line {number}: A control target is a host and a port; write it like 192.0.2.1:443."
    raise ConfigurationError(sentence, field=FIELD)
