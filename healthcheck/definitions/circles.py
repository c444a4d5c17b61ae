"""Finds circles and depths among endpoints that are made of others. Pure, and linear in what it is given."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def find_circling(children: Mapping[Node, Collection[Node]]) -> set[Node]:
    """Return the nodes that lie on a circle, or between two of them."""
    downwards = set(_sort_parents_first(children))
    upwards = set(_sort_parents_first(_turn(children)))
    return _list_nodes(children) - downwards - upwards


def follow_circle(
    start: Node, children: Mapping[Node, Sequence[Node]], circling: Collection[Node], *, limit: int
) -> list[Node]:
    """Return a way from `start` until it comes to where it has been, that node included, or to its limit."""
    way, seen = [start], {start}
    while len(way) < limit:
        following = next((each for each in children.get(way[-1], ()) if each in circling), None)
        if following is None:
            return way
        way.append(following)
        if following in seen:
            return way
        seen.add(following)
    return way


def measure_levels(children: Mapping[Node, Collection[Node]]) -> dict[Node, int]:
    """Return for each key on no circle how many levels the longest way through it has. What is no key is no level."""
    parents = {node: [each for each in below if each in children] for node, below in children.items()}
    above = _measure(parents)
    below = _measure(_turn(parents))
    return {node: above[node] + below[node] - 1 for node in parents if node in above and node in below}


def _measure(children: Mapping[Node, Collection[Node]]) -> dict[Node, int]:
    """Return for each node how many nodes the longest way from the top down to it has."""
    lengths: dict[Node, int] = {}
    for node in _sort_parents_first(children):
        lengths.setdefault(node, 1)
        for each in children.get(node, ()):
            lengths[each] = max(lengths.get(each, 1), lengths[node] + 1)
    return lengths


def _sort_parents_first(children: Mapping[Node, Collection[Node]]) -> Iterable[Node]:
    """Yield the nodes after all of their parents (Kahn); those on and below a circle never come."""
    waiting = Counter(each for below in children.values() for each in below)
    ready = [node for node in _list_nodes(children) if not waiting[node]]
    while ready:
        node = ready.pop()
        yield node
        for each in children.get(node, ()):
            waiting[each] -= 1
            if not waiting[each]:
                ready.append(each)


def _turn(children: Mapping[Node, Collection[Node]]) -> dict[Node, list[Node]]:
    turned: dict[Node, list[Node]] = defaultdict(list)
    for node, below in children.items():
        turned[node] = turned[node]
        for each in below:
            turned[each].append(node)
    return turned


def _list_nodes(children: Mapping[Node, Collection[Node]]) -> set[Node]:
    return {*children, *(each for below in children.values() for each in below)}
