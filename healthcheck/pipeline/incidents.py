"""Opens, grows and resolves incidents by what was seen of endpoints, in the transaction that stores what was seen.

1. Who is not up, in nobody's maintenance and in no incident yet joins one that it shares something with, or opens one.
2. Who is up leaves. An incident that all have left is resolved.
3. What is unknown changes nothing: a member stays until somebody sees it up.

Without a change nothing is asked of the database; with one it is a constant number of statements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from healthcheck.engine.causes import Failure, Trait, find_cause, group_failures
from healthcheck.engine.incidents import Happening
from healthcheck.engine.types import State
from healthcheck.models.maintenance import find_endpoints_in_maintenance
from healthcheck.pipeline.advance import StateChange
from healthcheck.pipeline.dependencies import Placed, explain_failures
from healthcheck.pipeline.incident_board import Board
from healthcheck.pipeline.incident_cases import Case, Ground, find_incidents, load_hosts


@dataclass(frozen=True, slots=True)
class Sight:
    """How an endpoint stands, and since when. `address` is what was connected to, where that is known."""

    endpoint_id: int
    state: State
    at: datetime
    error_kind: int = 0
    address: str = ""


def follow_changes(
    ground: Ground, changes: Sequence[StateChange], addresses: Mapping[int, str], now: datetime
) -> list[Happening]:
    """Bring incidents in line with changes of state that have just been stored, whose rows are held."""
    last = {each.endpoint_id: each for each in changes}
    sights = [
        Sight(pk, each.change.to_state, each.change.at, each.error_kind, addresses.get(pk, ""))
        for pk, each in last.items()
        if each.change.to_state is not State.UNKNOWN
    ]
    return settle(Board(ground), sights, now) if sights else []


def settle(board: Board, sights: Sequence[Sight], now: datetime) -> list[Happening]:
    """Bring the board in line with how endpoints stand, none of them unknown, and store it."""
    failing = []
    for sight in sights:
        case = board.find_case(sight.endpoint_id)
        if case is None and sight.state is not State.UP:
            failing.append(sight)
        elif case is not None and sight.state is State.UP:
            board.leave(sight.endpoint_id, sight.at)
        elif case is not None:
            board.see(sight.endpoint_id, sight.state, sight.error_kind)
    if failing:
        _place(board, failing, now)
    return board.store(now)


def _place(board: Board, failing: Sequence[Sight], now: datetime) -> None:
    """Find an incident for each, but for those that nobody checks and those in maintenance."""
    quiet = find_endpoints_in_maintenance([sight.endpoint_id for sight in failing], now)
    loud = [sight for sight in failing if sight.endpoint_id not in quiet]
    if not loud:
        return
    members = [pk for case in board.cases for pk in case.open_members]
    hosts = load_hosts([*members, *(sight.endpoint_id for sight in loud)])
    placed = [Placed(pk, board.ground.group_id) for pk in hosts]
    roots = {pk: each.roots for pk, each in explain_failures(placed, board.ground.location_id).items() if each.roots}
    failures = [_build_failure(sight, hosts, roots) for sight in loud if sight.endpoint_id in hosts]
    owners = _find_owners(board.cases, hosts, roots)
    groups = group_failures(failures)
    for group in groups:
        if not group[0].roots:
            _join_or_open(board, group, owners)
    explained = [group for group in groups if group[0].roots]
    if explained:
        _place_explained(board, explained, owners, now)


def _place_explained(
    board: Board, groups: Sequence[Sequence[Failure]], owners: Mapping[Trait, Case], now: datetime
) -> None:
    """Place what others explain, once these have their incidents."""
    board.insert_opened()
    roots = {pk for group in groups for failure in group for pk in failure.roots}
    parents = find_incidents(roots - board.list_members(), board.ground.location_id) | {
        pk: case.row.pk for pk in roots if (case := board.find_case(pk)) is not None
    }
    for group in groups:
        mine = {pk for failure in group for pk in failure.roots}
        parent_id = min((parents[pk] for pk in mine if pk in parents), default=None)
        case = _join_or_open(board, group, owners)
        if case.row.pk is None:
            board.mute(case, parent_id, now)


def _join_or_open(board: Board, failures: Sequence[Failure], owners: Mapping[Trait, Case]) -> Case:
    case = _choose_case(failures, owners)
    if case is None:
        return board.open(find_cause(failures), failures)
    board.join(case, failures)
    return case


def _build_failure(sight: Sight, hosts: Mapping[int, str], roots: Mapping[int, frozenset[int]]) -> Failure:
    pk = sight.endpoint_id
    return Failure(pk, sight.state, sight.at, sight.error_kind, hosts[pk], sight.address, roots.get(pk, frozenset()))


def _find_owners(
    cases: Sequence[Case], hosts: Mapping[int, str], roots: Mapping[int, frozenset[int]]
) -> dict[Trait, Case]:
    """Return which incident has a trait, the oldest where several have. One that is muted has its members' roots."""
    owners: dict[Trait, Case] = {}
    for case in cases:
        own: list[Trait] = []
        if case.row.muted_at is not None:
            own += [("root", root) for pk in case.open_members for root in roots.get(pk, ())]
        else:
            own += [("kind", case.row.error_kind), ("host", case.row.cause_host)]
            own += [("kind", member.error_kind) for member in case.open_members.values()]
            own += [("host", hosts.get(pk, "")) for pk in case.open_members]
        for trait in own:
            if trait[1]:
                owners.setdefault(trait, case)
    return owners


def _choose_case(failures: Sequence[Failure], owners: Mapping[Trait, Case]) -> Case | None:
    traits = {trait for failure in failures for trait in failure.list_traits()}
    found = [owners[trait] for trait in traits if trait in owners]
    return min(found, key=lambda case: case.row.pk) if found else None
