"""Differences as lines: fields in order, lists and long texts line by line, and what is hidden stays hidden."""

from __future__ import annotations

import pytest

from healthcheck.definitions.comparing import (
    MAX_LINES_PER_FIELD,
    MAX_SIDE_CHARS,
    Difference,
    compare_documents,
    describe_document,
)


def compare(before: object, after: object, field: str = "field", *, shows_hidden: bool = True) -> list[tuple[str, str]]:
    lines = compare_documents({field: before}, {field: after}, shows_hidden=shows_hidden)
    return [(line.before, line.after) for line in lines]


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (10.0, 12.5, [("10", "12.5")]),
        (None, 60, [("", "60")]),
        (False, True, [("no", "yes")]),
        (["a", "b", "c"], ["a", "x", "c", "d"], [("b", "x"), ("", "d")]),
        ([["X-A", "1"], ["X-B", "2"]], [["X-B", "2"]], [("X-A: 1", "")]),
        ("one\ntwo", "one\nthree", [("two", "three")]),
        (["same"], ["same"], []),
        ([{"title": "A", "items": [{"group": "g", "label": ""}]}], [], [("A", ""), ("  g", "")]),
    ],
)
def test_each_shape_is_compared_line_by_line(before: object, after: object, lines: list[tuple[str, str]]) -> None:
    assert compare(before, after) == lines


def test_options_are_compared_by_name_and_hidden_ones_only_said_to_differ() -> None:
    before = {"options": {"method": "GET", "headers": [["X-Key", "canary"]]}}
    after = {"options": {"method": "HEAD", "headers": [["X-Key", "canary-2"]], "body": "canary"}}
    assert compare_documents(before, after, shows_hidden=False) == [
        Difference("options.method", "GET", "HEAD"),
        Difference("options.headers", "(hidden)", "(hidden)"),
        Difference("options.body", "", "(hidden)"),
    ]


def test_where_something_new_stands_is_no_difference() -> None:
    assert compare("web", "shop", "group") == [("web", "shop")]
    assert describe_document({"group": "web", "name": "site"}, shows_hidden=True) == [Difference("name", "", "site")]


@pytest.mark.parametrize("count", [300, 5_000])
def test_long_texts_are_bounded(count: int) -> None:
    lines = compare("", "\n".join(str(number) for number in range(count)))
    assert len(lines) <= MAX_LINES_PER_FIELD + 1
    assert lines[-1][1].endswith(str(count) if count > 1_000 else str(count - MAX_LINES_PER_FIELD))


def test_secrets_of_an_address_are_hidden_from_people_who_only_look() -> None:
    before, after = "https://a.example/?token=canary", "https://a.example/?token=canary-2"
    masked = "https://a.example/?token=[hidden]"
    assert compare(before, after, "address", shows_hidden=False) == [(masked, masked)]
    assert compare(before, after, "address") == [(before, after)]


def test_long_side_is_cut_to_what_stands_around_the_first_difference() -> None:
    old, new = "a" * 100_000 + "old" + "z" * 100_000, "a" * 100_000 + "new" + "z" * 100_000
    [change] = compare_documents({"description": old}, {"description": new}, shows_hidden=True)
    assert ("old" in change.before, "new" in change.after) == (True, True)
    assert max(len(change.before), len(change.after)) == MAX_SIDE_CHARS + 2
