from __future__ import annotations

import pytest

from healthcheck.engine.dependencies import (
    ENDPOINT,
    HEIRS,
    WHOLE,
    Link,
    Node,
    Side,
    build_graph,
    find_circle,
    find_roots,
)

# Endpoint 11 is in group 1, 12 as well, 21 in group 2: the first digit is the group.


def side(number: int) -> Side:
    return Side(number) if number < 10 else Side(number // 10, number)


def link(child: int, parent: int) -> Link:
    return Link(side(child), side(parent))


def walk(new: Link, *links: Link) -> list[int] | None:
    way = find_circle(links, new)
    return None if way is None else [number for _, number in way]


@pytest.mark.parametrize(
    ("new", "links", "way"),
    [
        (link(11, 11), [], [11, 11]),
        (link(11, 21), [], None),
        (link(11, 21), [link(21, 11)], [11, 21, 11]),
        (link(11, 21), [link(21, 31), link(31, 11)], [11, 21, 31, 11]),
        (link(11, 21), [link(31, 11), link(21, 41)], None),
        # A group on itself, and on what is in it.
        (link(1, 1), [], [1, 1, 1]),
        (link(1, 11), [], [1, 11, 1]),
        (link(11, 1), [], [11, 1, 11]),
        # Through a group that inherits, and through the whole of one.
        (link(21, 11), [link(1, 21)], [21, 11, 1, 21]),
        (link(1, 21), [link(2, 1)], [1, 21, 2, 1, 1]),
        (link(1, 2), [link(21, 12)], [1, 2, 21, 12, 1]),
    ],
)
def test_circle_is_told_from_the_child_back_to_itself(new: Link, links: list[Link], way: list[int] | None) -> None:
    assert walk(new, *links) == way


def test_circle_that_another_dependency_closes_is_not_this_ones() -> None:
    assert walk(link(41, 11), link(11, 21), link(21, 11)) is None


def roots(start: int, down: list[int], *links: Link) -> set[Node]:
    """Of an endpoint; a number below ten is the whole of a group."""
    fallen = {(ENDPOINT, each) if each >= 10 else (WHOLE, each) for each in down}
    node = (ENDPOINT, start)
    graph = build_graph(links)
    inheriting = {**graph, node: {**graph.get(node, {}), (HEIRS, start // 10): None}}
    return set(find_roots([node], inheriting, fallen)[node])


def test_root_is_the_furthest_that_is_down() -> None:
    chain = (link(11, 21), link(21, 31), link(31, 41))
    assert roots(11, [], *chain) == set()
    assert roots(11, [21], *chain) == {(ENDPOINT, 21)}
    assert roots(11, [21, 31], *chain) == {(ENDPOINT, 31)}
    # Through one that has not been looked at since, or stands on its own feet.
    assert roots(11, [41], *chain) == {(ENDPOINT, 41)}


def test_endpoint_inherits_what_its_group_depends_on() -> None:
    assert roots(11, [21], link(1, 21)) == {(ENDPOINT, 21)}
    assert roots(31, [21], link(1, 21)) == set()


def test_group_explains_when_all_of_it_is_down() -> None:
    assert roots(11, [21], link(11, 2)) == set()
    assert roots(11, [21, 2], link(11, 2)) == {(WHOLE, 2)}
    # And what all of it depends on explains it, in turn.
    assert roots(11, [21, 2, 31], link(11, 2), link(2, 31)) == {(ENDPOINT, 31)}


def test_two_parents_that_are_down_are_two_roots() -> None:
    assert roots(11, [21, 31], link(11, 21), link(11, 31)) == {(ENDPOINT, 21), (ENDPOINT, 31)}


def test_circle_that_was_stored_past_the_forms_explains_nothing() -> None:
    assert roots(11, [11, 21], link(11, 21), link(21, 11)) == set()
    assert roots(31, [11, 21], link(31, 11), link(11, 21), link(21, 11)) == set()


def test_chain_of_ten_thousand_is_followed() -> None:
    chain = [link(10 + number, 11 + number) for number in range(10_000)]
    graph = build_graph(Link(Side(0, a.child.endpoint_id), Side(0, a.parent.endpoint_id)) for a in chain)
    assert find_roots([(ENDPOINT, 10)], graph, {(ENDPOINT, 10_010)}) == {(ENDPOINT, 10): {(ENDPOINT, 10_010)}}
