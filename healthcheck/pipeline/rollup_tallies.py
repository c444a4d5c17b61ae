"""What was counted in some hours, and in the days that they lie in: from raw results, and from what was counted before.

Results are only ever added until they are pruned. So fewer of them than were counted before means that they were, and
then what was counted stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from healthcheck.models import Resolution
from healthcheck.pipeline.retention import HOURS_OF_DAY
from healthcheck.pipeline.rollup_sources import (
    Place,
    RunBounds,
    Tally,
    find_days,
    read_counts,
    read_rollups,
    read_tallies,
)

Tallies = dict[Place, Tally]


@dataclass(frozen=True, slots=True)
class Piece:
    """Hours [first, until) of some endpoints at a location: what one transaction writes.

    Nothing from `rolled_until` on is rolled up: days end there. Hours before `hours_from` are not kept as such.
    """

    location_id: int
    endpoint_ids: tuple[int, ...]
    first: int
    until: int
    rolled_until: int
    hours_from: int

    @property
    def days(self) -> range:
        return find_days(self.first, self.until)

    @property
    def day_hours(self) -> tuple[int, int]:
        """Return the hours that its days consist of, as far as they are rolled up."""
        return self.days.start * HOURS_OF_DAY, min(self.days.stop * HOURS_OF_DAY, self.rolled_until)


def compute_tallies(piece: Piece, bounds: RunBounds | None) -> tuple[Tallies, Tallies]:
    """Return the tallies of the piece's hours, and of its days."""
    ids, location_id = piece.endpoint_ids, piece.location_id
    first, until = piece.day_hours
    hours: Tallies = {}
    if bounds is not None:
        hours = read_tallies(ids, location_id, bounds, first=piece.first, until=piece.until)
    counted = read_counts(ids, location_id, first=first, until=until)
    days = read_rollups(Resolution.DAY, ids, location_id, first=piece.days.start, until=piece.days.stop)
    stale = _find_stale(piece, counted, days)
    if stale:
        stored = read_rollups(Resolution.HOUR, sorted(stale), location_id, first=first, until=until)
        hours |= {place: tally for place, tally in stored.items() if _holds_more(tally, hours.get(place))}
    return hours, _sum_up(hours, days, stale)


def _find_stale(piece: Piece, counted: Mapping[Place, int], days: Mapping[Place, Tally]) -> set[int]:
    """Return the endpoints whose days have to be summed from all of their hours.

    The others are new in these hours: their days are what they were and the new hours, 24 times as fast.
    """
    sums = {place: tally.count for place, tally in days.items()}
    for place, count in counted.items():
        day = _find_day(place)
        sums[day] = sums.get(day, 0) - count
    again = {place.endpoint_id for place in counted if piece.first <= place.number < piece.until}
    return again | {place.endpoint_id for place, difference in sums.items() if difference}


def _holds_more(stored: Tally, counted: Tally | None) -> bool:
    return counted is None or stored.count > counted.count


def _sum_up(hours: Tallies, days: Tallies, stale: set[int]) -> Tallies:
    sums = {place: tally for place, tally in days.items() if place.endpoint_id not in stale}
    for place, tally in hours.items():
        sums.setdefault(_find_day(place), Tally()).merge(tally)
    for place, tally in days.items():
        # Its hours have been pruned.
        if place not in sums or sums[place].count < tally.count:
            sums[place] = tally
    return sums


def _find_day(place: Place) -> Place:
    return Place(place.endpoint_id, place.number // HOURS_OF_DAY)
