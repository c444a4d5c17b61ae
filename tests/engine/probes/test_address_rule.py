"""How many addresses must be well, and what those of which nothing is known may change."""

from __future__ import annotations

from itertools import product

import pytest

from healthcheck.engine.probes.address_rule import MAX_ADDRESSES, RULES, combine_verdicts, count_needed, parse_rule
from healthcheck.engine.types import ConfigurationError, State

UP, DEGRADED, DOWN, UNKNOWN = State.UP, State.DEGRADED, State.DOWN, State.UNKNOWN


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("first", "first"),
        (" All ", "all"),
        ("any", "any"),
        ("at least 1", "any"),
        ("At  least 02", "at least 2"),
        (f"at least {MAX_ADDRESSES}", f"at least {MAX_ADDRESSES}"),
    ],
)
def test_rule_is_read_as_people_write_it(written: str, rule: str) -> None:
    assert parse_rule(written) == rule


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_read_as_it_stands(rule: str) -> None:
    assert parse_rule(rule) == rule


@pytest.mark.parametrize(
    "written", ["", "none", "at least", "at least 0", "at least 17", "at least -1", 2, None, ["all"]]
)
def test_nonsense_is_refused_with_a_cure(written: object) -> None:
    with pytest.raises(ConfigurationError, match=r"such as at least 2; choose one\.") as caught:
        parse_rule(written)
    assert caught.value.field == "addresses"


@pytest.mark.parametrize(("rule", "needed"), [("any", 1), ("all", 5), ("at least 3", 3), ("at least 16", 16)])
def test_rule_says_how_many_are_needed(rule: str, needed: int) -> None:
    assert count_needed(rule, 5) == needed


@pytest.mark.parametrize(
    ("verdicts", "needed", "combined"),
    [
        ([UP, UP, DOWN], 3, DOWN),
        ([UP, UP, DOWN], 2, UP),
        ([UP, DEGRADED, DOWN], 2, DEGRADED),
        ([UP, DEGRADED], 2, DEGRADED),
        ([DEGRADED, DOWN], 1, DEGRADED),
        ([UP, UP], 3, DOWN),
        ([UP, UNKNOWN], 2, UNKNOWN),
        ([UP, UNKNOWN], 1, UP),
        ([DOWN, UNKNOWN], 2, DOWN),
        ([DOWN, UNKNOWN], 1, UNKNOWN),
        ([DEGRADED, UNKNOWN], 1, UNKNOWN),
        ([UNKNOWN, UNKNOWN], 1, UNKNOWN),
        ([UNKNOWN, UNKNOWN], 3, DOWN),
    ],
)
def test_verdicts_are_combined_by_what_enough_of_them_reach(
    verdicts: list[State], needed: int, combined: State
) -> None:
    assert combine_verdicts(verdicts, needed) is combined


def test_what_is_unknown_decides_nothing() -> None:
    for verdicts in product(State, repeat=4):
        for needed in range(1, 6):
            known = [(each,) if each is not UNKNOWN else (UP, DEGRADED, DOWN) for each in verdicts]
            possible = {combine_verdicts(each, needed) for each in product(*known)}
            combined = combine_verdicts(verdicts, needed)
            assert combined is (possible.pop() if len(possible) == 1 else UNKNOWN)
