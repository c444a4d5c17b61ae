"""The golden table as a whole, and the healthy neighbours of its targets."""

from __future__ import annotations

from tests.golden import encoding, encryption, names, proxies, transport
from tests.golden.case import Case, Door, is_up

CASES: tuple[Case, ...] = (*transport.CASES, *encoding.CASES, *names.CASES, *encryption.CASES, *proxies.CASES)
# More of what is hard on us in numbers only.
CROWD: tuple[Case, ...] = tuple(names.CROWD)
HEALTHY: tuple[Case, ...] = tuple(
    Case(f"healthy-{number}", "answers as it should", is_up(), (Door("good"),), assertions='body contains "hello"')
    for number in range(100)
)

# Public addresses, so that every mode of the policy lets checks through; they are nobody's inside the table's network.
_PLACES = {case.name: place for place, case in enumerate((*CASES, *CROWD, *HEALTHY))}


def find_address(case: Case) -> str:
    """Return the address where the case's own doors are, which its name resolves to."""
    place = _PLACES[case.name]
    return f"81.66.{place // 250}.{1 + place % 250}"
