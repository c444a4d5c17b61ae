from __future__ import annotations

import time

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.definitions.member_lines import Entry, parse_members, sort_members, write_members
from healthcheck.engine.probes.group import MAX_MEMBERS


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("", []),
        ("web/Checkout", [["web/Checkout", 1]]),
        (" web / Checkout : 3 \r\n\nweb/A", [["web/A", 1], ["web/Checkout", 3]]),
        ("web/a/b: c", [["web/a/b: c", 1]]),
        ('web/"Port: 80"', [["web/Port: 80", 1]]),
        ('web/"Port: 80": 2', [["web/Port: 80", 2]]),
        ('web/"quoted" word', [['web/"quoted" word', 1]]),
        ("web/a: 1234567890", [["web/a: 1234567890", 1]]),
        ("web/a:²", [["web/a:²", 1]]),
    ],
)
def test_lines_are_read(text: str, entries: list[Entry]) -> None:
    assert parse_members(text) == entries


def test_a_line_is_read_in_no_time_however_long_it_is() -> None:
    started = time.thread_time()
    parse_members(f"web/a{' ' * 20_000}b")
    # A second, if every blank were tried as the one before a weight.
    assert time.thread_time() - started < 0.1


def test_each_bad_line_is_named() -> None:
    with pytest.raises(ValidationError) as caught:
        parse_members("web/good\nno slash\n/nameless\nweb/")
    cure = "Write a group's slug, a slash and an endpoint's name, as in web/Shop."
    assert caught.value.messages == [f"Members, line {number}: {cure}" for number in (2, 3, 4)]


def test_too_many_lines_are_refused_before_they_are_looked_up() -> None:
    with pytest.raises(ValidationError, match=f"at most {MAX_MEMBERS} members"):
        parse_members("\n".join(f"web/{number}" for number in range(MAX_MEMBERS + 1)))


names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20)
entry = st.tuples(names, st.integers(1, 100)).map(lambda pair: [f"web/{pair[0]}", pair[1]])


@given(entries=st.lists(entry, max_size=5))
def test_what_is_written_is_read_back_whatever_the_names_are(entries: list[Entry]) -> None:
    assert parse_members(write_members(entries)) == sort_members(entries)
