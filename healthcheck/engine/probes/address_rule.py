"""How many of a name's addresses must be well: the option `addresses`, and what it makes of their verdicts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from healthcheck.engine.types import ConfigurationError, State

# As before there were others: the first address that takes a connection speaks for the name.
FIRST = "first"
ANY = "any"
ALL = "all"
# A balancer with eight addresses of each family; each is asked at the same time over a connection of its own.
MAX_ADDRESSES = 16
RULES = (FIRST, ANY, ALL, *(f"at least {count}" for count in range(2, MAX_ADDRESSES + 1)))

_AT_LEAST = re.compile(r"at\s+least\s+([0-9]{1,3})", re.IGNORECASE)


def parse_rule(value: Any) -> str:
    """Return one of `RULES`. Raises ConfigurationError that names the cure."""
    text = value.strip().lower() if isinstance(value, str) else ""
    found = _AT_LEAST.fullmatch(text)
    rule = (ANY if int(found[1]) == 1 else f"at least {int(found[1])}") if found else text
    if rule not in RULES:
        raise ConfigurationError(
            f"The addresses must be first, any, all, or at least a number up to {MAX_ADDRESSES}, such as at least 2; "
            "choose one.",
            field="addresses",
        )
    return rule


def asks_every_address(options: Any) -> bool:
    """Say whether every address of the name is asked on its own."""
    return getattr(options, "addresses", FIRST) != FIRST


def count_needed(rule: str, count: int) -> int:
    """Return how many of so many addresses must be well by a rule other than `FIRST`."""
    if rule == ALL:
        return count
    return 1 if rule == ANY else int(rule.rpartition(" ")[2])


def combine_verdicts(verdicts: Sequence[State], needed: int) -> State:
    """Return the best state that `needed` of them reach: UNKNOWN where those that are unknown could change it."""
    best, worst = (_find_reached(verdicts, needed, assumed) for assumed in (State.UP, State.DOWN))
    return best if best is worst else State.UNKNOWN


def _find_reached(verdicts: Sequence[State], needed: int, assumed: State) -> State:
    ordered = sorted(assumed if verdict is State.UNKNOWN else verdict for verdict in verdicts)
    return ordered[needed - 1] if needed <= len(ordered) else State.DOWN
