"""Finds what explains that something is down: what it depends on and is down itself. One to three statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from django.db.models import FilteredRelation, Q

from healthcheck.engine.dependencies import (
    ENDPOINT,
    HEIRS,
    WHOLE,
    Link,
    Node,
    build_graph,
    find_ancestors,
    find_roots,
)
from healthcheck.engine.types import State
from healthcheck.models import Dependency, Endpoint


class Placed(NamedTuple):
    """An endpoint and the group that it is in."""

    endpoint_id: int
    group_id: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an endpoint is down, as far as that is another's fault: `roots` are endpoints, none where it is not.

    `settled_at` is when the last of those changed that it depends on and that are not down.
    """

    roots: frozenset[int] = frozenset()
    settled_at: datetime | None = None


@dataclass(slots=True)
class _Standings:
    """How endpoints stand that others depend on: those that are checked, by id and by group."""

    down: dict[int, bool] = field(default_factory=dict)
    since: dict[int, datetime | None] = field(default_factory=dict)
    groups: dict[int, list[int]] = field(default_factory=dict)

    def find_down(self) -> set[Node]:
        whole = {(WHOLE, pk) for pk, members in self.groups.items() if all(self.down[each] for each in members)}
        return whole | {(ENDPOINT, pk) for pk, is_down in self.down.items() if is_down}

    def list_endpoints(self, node: Node) -> list[int]:
        kind, pk = node
        if kind == WHOLE:
            return self.groups.get(pk, [])
        return [pk] if kind == ENDPOINT and pk in self.down else []


def explain_failures(endpoints: Collection[Placed], location_id: int) -> dict[int, Explanation]:
    """Return for each endpoint what explains it at this location; those that depend on nothing are left out."""
    return explain_by_links(Dependency.objects.list_links(), endpoints, location_id) if endpoints else {}


def explain_by_links(
    links: Collection[Link], endpoints: Collection[Placed], location_id: int
) -> dict[int, Explanation]:
    """Do the same where the dependencies are at hand. Endpoints that depend on the same are looked at once."""
    if not links:
        return {}
    graph: dict[Node, Mapping[Node, None]] = dict(_draw_graph(tuple(links)))
    kin: dict[tuple[Node, ...], list[int]] = {}
    for endpoint_id, group_id in endpoints:
        parents = {**graph.get((ENDPOINT, endpoint_id), {}), (HEIRS, group_id): None}
        # A group that depends on nothing itself tells its endpoints apart for nothing.
        kin.setdefault(tuple(each for each in parents if each[0] != HEIRS or each in graph), []).append(endpoint_id)
    firsts = {(ENDPOINT, pks[0]): pks for pks in kin.values()}
    graph |= {first: dict.fromkeys(parents) for first, parents in zip(firsts, kin, strict=True)}
    ancestors = {first: list(find_ancestors(first, graph)) for first in firsts}
    needed = {node for nodes in ancestors.values() for node in nodes if node[0] != HEIRS}
    if not needed:
        return {}
    standings = _load_standings(needed, location_id)
    roots = find_roots(firsts, graph, standings.find_down())
    explained: dict[int, Explanation] = {}
    for first, nodes in ancestors.items():
        if any(kind != HEIRS for kind, _ in nodes):
            explanation = Explanation(_list_endpoints(roots[first], standings), _find_settled(nodes, standings))
            explained |= dict.fromkeys(firsts[first], explanation)
    return explained


# By the sweeps again and again while something is down, for which ten thousand dependencies were half of the work.
@lru_cache(1)
def _draw_graph(links: tuple[Link, ...]) -> Mapping[Node, Mapping[Node, None]]:
    return build_graph(links)


def _list_endpoints(nodes: Iterable[Node], standings: _Standings) -> frozenset[int]:
    return frozenset(pk for node in nodes for pk in standings.list_endpoints(node))


def _find_settled(nodes: Iterable[Node], standings: _Standings) -> datetime | None:
    above = {pk for node in nodes for pk in standings.list_endpoints(node)}
    instants = (standings.since[pk] for pk in above if not standings.down[pk])
    return max((each for each in instants if each is not None), default=None)


def _load_standings(nodes: Collection[Node], location_id: int) -> _Standings:
    seen = FilteredRelation("states", condition=Q(states__location_id=location_id))
    named = Q(pk__in=[pk for kind, pk in nodes if kind == ENDPOINT])
    grouped = Q(group_id__in=[pk for kind, pk in nodes if kind == WHOLE])
    rows = Endpoint.objects.checked().filter(named | grouped, group__is_paused=False, group__deleted_at=None)
    columns = ("pk", "group_id", "seen__known_state", "seen__since")
    standings, whole = _Standings(), {pk for kind, pk in nodes if kind == WHOLE}
    for pk, group_id, state, since in rows.annotate(seen=seen).order_by("pk").values_list(*columns):
        # What is unknown now was down when it was last seen, and its incident is open still.
        standings.down[pk], standings.since[pk] = state == State.DOWN, since
        if group_id in whole:
            standings.groups.setdefault(group_id, []).append(pk)
    return standings
