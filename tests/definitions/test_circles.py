from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.definitions.circles import find_circling, follow_circle, measure_levels

Graph = dict[int, list[int]]


@pytest.mark.parametrize(
    ("children", "circling"),
    [
        ({}, set()),
        ({1: [2], 2: [3]}, set()),
        ({1: [2, 3], 2: [4], 3: [4]}, set()),
        ({1: [2], 2: [1]}, {1, 2}),
        ({1: [1]}, {1}),
        # What leads to a circle, and what hangs on it, lies on none.
        ({0: [1], 1: [2], 2: [1, 3], 3: [4]}, {1, 2}),
        ({1: [2], 2: [1], 3: [4], 4: [5], 5: [3]}, {1, 2, 3, 4, 5}),
    ],
)
def test_circles_are_found(children: Graph, circling: set[int]) -> None:
    assert find_circling(children) == circling


def test_way_round_ends_where_it_has_been() -> None:
    assert follow_circle(1, {1: [9, 2], 2: [3], 3: [1]}, {1, 2, 3}, limit=9) == [1, 2, 3, 1]
    assert follow_circle(1, {1: [2], 2: [3], 3: [1]}, {1, 2, 3}, limit=2) == [1, 2]


@pytest.mark.parametrize(
    ("children", "levels"),
    [
        ({}, {}),
        ({1: [9]}, {1: 1}),
        ({1: [2, 9], 2: [3], 3: [9]}, {1: 3, 2: 3, 3: 3}),
        # The longest way counts, whichever way is followed first.
        ({1: [3, 2], 2: [3], 3: [9], 4: [9]}, {1: 3, 2: 3, 3: 3, 4: 1}),
        ({1: [2], 2: []}, {1: 2, 2: 2}),
    ],
)
def test_levels_are_those_of_the_longest_way_through(children: Graph, levels: dict[int, int]) -> None:
    assert measure_levels(children) == levels


graphs = st.dictionaries(st.integers(0, 6), st.lists(st.integers(0, 6), max_size=4, unique=True), max_size=7)


def reach(graph: Graph, start: int) -> set[int]:
    found: set[int] = set()
    ahead = list(graph.get(start, ()))
    while ahead:
        node = ahead.pop()
        if node not in found:
            found.add(node)
            ahead += graph.get(node, ())
    return found


@given(graph=graphs)
def test_every_circle_is_found_and_nothing_without_one_is_blamed(graph: Graph) -> None:
    circling = find_circling(graph)
    on_a_circle = {node for node in range(7) if node in reach(graph, node)}
    assert on_a_circle <= circling
    # What is named beside them lies between two of them.
    assert all(reach(graph, node) & on_a_circle for node in circling)


def test_a_long_tower_costs_no_recursion() -> None:
    tower = {number: [number + 1] for number in range(20_000)}
    assert measure_levels(tower)[10_000] == 20_000
    assert find_circling(tower | {20_000: [0]}) == set(range(20_001))
