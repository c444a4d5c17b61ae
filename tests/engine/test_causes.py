from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from healthcheck.engine.causes import Cause, Failure, describe_cause, find_cause, find_host, group_failures
from healthcheck.engine.incidents import Severity
from healthcheck.engine.types import ErrorKind, State

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def fail(pk: int, kind: int = 0, host: str = "", **more: Any) -> Failure:
    return Failure(pk, State.DOWN, NOW, kind, host, **more)


def group(*failures: Failure) -> list[list[int]]:
    return [[each.endpoint_id for each in found] for found in group_failures(failures)]


def test_failures_that_share_kind_host_or_address_are_together() -> None:
    assert group(fail(1, 2), fail(2, 3), fail(3, 2)) == [[1, 3], [2]]
    assert group(fail(1, 2, "a"), fail(2, 3, "a"), fail(3, 4, "b")) == [[1, 2], [3]]
    assert group(fail(1, 2, address="x"), fail(2, 3, address="x"), fail(3, 4, address="y")) == [[1, 2], [3]]


def test_failures_hang_together_through_others() -> None:
    assert group(fail(1, 2, "a"), fail(2, 3, "b"), fail(3, 3, "a")) == [[1, 2, 3]]


def test_failures_of_which_nothing_is_known_stand_alone() -> None:
    assert group(fail(1), fail(2)) == [[1], [2]]


def test_failure_that_a_parent_explains_shares_that_alone() -> None:
    roots = frozenset({9})
    assert group(fail(1, 2, "a"), fail(2, 2, "a", roots=roots), fail(3, 4, roots=roots)) == [[1], [2, 3]]


def test_grouping_ten_thousand_looks_at_each_trait_once() -> None:
    chain = [fail(pk, host=f"h{pk // 2}", address=f"a{(pk + 1) // 2}") for pk in range(10_000)]
    assert group(*chain) == [list(range(10_000))]


@pytest.mark.parametrize(
    ("failures", "cause"),
    [
        ([fail(1, 2, "a"), fail(2, 2, "a")], Cause(2, "a", "kind:2")),
        ([fail(1, 2, "a"), fail(2, 2, "b")], Cause(2, "", "kind:2")),
        ([fail(1, 2, "a"), fail(2, 3, "a")], Cause(0, "a", "host:a")),
        ([fail(4, 2, "a"), fail(3, 3, "b")], Cause(0, "", "endpoint:3")),
        ([fail(1, 2, "a", roots=frozenset({9, 8}))], Cause(2, "a", "root:8")),
    ],
)
def test_cause_is_what_all_share(failures: list[Failure], cause: Cause) -> None:
    assert find_cause(failures) == cause


@pytest.mark.parametrize(
    ("counts", "kind", "host", "line"),
    [
        ((17, 20), ErrorKind.DNS, "example.test", "17 of 20 down: dns, all on example.test"),
        ((17, 20), ErrorKind.TOO_LARGE, "", "17 of 20 down: too large"),
        ((2, 20), 0, "example.test", "2 of 20 down: all on example.test"),
        ((1, 20), ErrorKind.DNS, "example.test", "1 of 20 down: dns, on example.test"),
        ((1, 1), ErrorKind.DNS, "example.test", "down: dns, on example.test"),
        ((1, 1), 0, "", "down"),
    ],
)
def test_cause_line_says_how_many_why_and_where(counts: tuple[int, int], kind: int, host: str, line: str) -> None:
    assert describe_cause(Severity.DOWN, *counts, error_kind=kind, host=host) == line


def test_cause_line_says_how_bad_it_is() -> None:
    assert describe_cause(Severity.DEGRADED, 2, 3, error_kind=ErrorKind.ASSERTION) == "2 of 3 degraded: assertion"


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://user:secret@Example.test:8443/path?q#f", "example.test"),
        ("example.test:5432", "example.test"),
        ("example.test", "example.test"),
        ("[::1]:22", "::1"),
        ("http://[::1", ""),
        ("postgres://db.test/name", "db.test"),
        ("", ""),
        ("a" * 400, "a" * 255),
    ],
)
def test_host_is_read_from_any_address(address: str, host: str) -> None:
    assert find_host(address) == host
