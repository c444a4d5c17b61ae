"""What depends on what: circles, and the roots that explain why something is down. Pure.

A node is an endpoint, the heirs of a group (what its endpoints depend on together), or the whole of a group as
something to depend on, which is down when all in it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

ENDPOINT, HEIRS, WHOLE = "endpoint", "heirs", "whole"
Node = tuple[str, int]
Graph = Mapping[Node, Collection[Node]]


class Side(NamedTuple):
    """A group, or an endpoint and the group that it is in."""

    group_id: int
    endpoint_id: int | None = None


class Link(NamedTuple):
    child: Side
    parent: Side


def build_graph(links: Iterable[Link]) -> dict[Node, dict[Node, None]]:
    """Return the parents of each node, each once and in order."""
    parents: dict[Node, dict[Node, None]] = {}

    def connect(child: Node, parent: Node) -> None:
        parents.setdefault(child, {})[parent] = None

    for link in links:
        child, parent = _name_child(link.child), _name_parent(link.parent)
        connect(child, parent)
        for side in (link.child, link.parent):
            heirs = (HEIRS, side.group_id)
            if side.endpoint_id is not None:
                connect((ENDPOINT, side.endpoint_id), heirs)
            connect((WHOLE, side.group_id), heirs)
        if link.child.endpoint_id is not None:
            connect((WHOLE, link.child.group_id), child)
    return parents


def find_circle(links: Collection[Link], new: Link) -> list[Node] | None:
    """Return the way from the new link's child through its parent back to itself; None where there is no such way."""
    parents = build_graph([*links, new])
    child, parent = _name_child(new.child), _name_parent(new.parent)
    came_from: dict[Node, Node] = {parent: child}
    waiting = [parent]
    for node in waiting:
        if node == child:
            return _walk_back(child, came_from)
        for each in parents.get(node, ()):
            if each not in came_from:
                came_from[each] = node
                waiting.append(each)
    return None


def find_ancestors(start: Node, graph: Graph) -> Iterator[Node]:
    """Yield all that the node depends on, directly or through others, the nearest first; itself on a circle only."""
    waiting = list(graph.get(start, ()))
    seen = set(waiting)
    for node in waiting:
        yield node
        fresh = [each for each in graph.get(node, ()) if each not in seen]
        seen.update(fresh)
        waiting += fresh


def find_roots(starts: Iterable[Node], graph: Graph, down: Collection[Node]) -> dict[Node, frozenset[Node]]:
    """Return for each node what it depends on, is down, and depends on nothing that is down.

    What lies on a circle explains nothing: nobody is kept quiet by it.
    """
    is_root: dict[Node, bool] = {}
    # Most endpoints of a group depend on the same.
    known: dict[tuple[Node, ...], frozenset[Node]] = {}
    roots = {}
    for start in starts:
        parents = tuple(graph.get(start, ()))
        if parents not in known:
            fallen = [node for node in find_ancestors(start, graph) if node in down]
            for node in fallen:
                if node not in is_root:
                    is_root[node] = not any(each in down for each in find_ancestors(node, graph))
            known[parents] = frozenset(node for node in fallen if is_root[node])
        roots[start] = known[parents]
    return roots


def _name_child(side: Side) -> Node:
    return (HEIRS, side.group_id) if side.endpoint_id is None else (ENDPOINT, side.endpoint_id)


def _name_parent(side: Side) -> Node:
    return (WHOLE, side.group_id) if side.endpoint_id is None else (ENDPOINT, side.endpoint_id)


def _walk_back(child: Node, came_from: Mapping[Node, Node]) -> list[Node]:
    way = [child]
    node = came_from[child]
    while node != child:
        way.append(node)
        node = came_from[node]
    return [child, *reversed(way[1:]), child]
