from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.probes import load_judge
from healthcheck.engine.probes.group import RULES, GroupOptions, Member, describe_members
from healthcheck.engine.types import ConfigurationError, ErrorKind, Outcome, State, Target
from tests.engine.scripted import NOW

U, UP, DEGRADED, DOWN = State.UNKNOWN, State.UP, State.DEGRADED, State.DOWN


def judge(*members: Member | State, **options: Any) -> Outcome:
    parsed = load_judge("group").parse("", options)
    named = [each if isinstance(each, Member) else Member(f"g/{n}", each) for n, each in enumerate(members)]
    return load_judge("group").judge(Target(1, "group", "", parsed), named, NOW)


@pytest.mark.parametrize(
    ("states", "worst", "best"),
    [
        ([UP, UP], UP, UP),
        ([UP, DEGRADED], DEGRADED, UP),
        ([UP, DOWN], DOWN, UP),
        ([DEGRADED, DOWN], DOWN, DEGRADED),
        ([DOWN, DOWN], DOWN, DOWN),
        # What is certain is said, whatever else is not known.
        ([DOWN, U], DOWN, U),
        ([UP, U], U, UP),
        ([DEGRADED, U], DEGRADED, U),
        ([U, U], U, U),
        ([], U, U),
    ],
)
def test_worst_and_best_go_by_one_member(states: list[State], worst: State, best: State) -> None:
    assert (judge(*states, member_rule="worst").verdict, judge(*states, member_rule="best").verdict) == (worst, best)


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        ([UP, UP, UP], UP),
        # Two of three are 66.7 %.
        ([UP, UP, DOWN], UP),
        ([UP, DOWN, DOWN], DEGRADED),
        ([DOWN, DOWN, DOWN], DOWN),
        ([DEGRADED, DEGRADED, DOWN], UP),
        ([UP, UP, U], UP),
        ([UP, DOWN, U], U),
        # Up or degraded is open, down is not among them.
        ([DOWN, DOWN, U], DEGRADED),
        ([DOWN, U, U], U),
    ],
)
def test_share_compares_the_weight_that_is_up(states: list[State], verdict: State) -> None:
    assert judge(*states, member_rule="share", up_share=66, degraded_share=33).verdict is verdict


def test_share_weighs_members() -> None:
    heavy, light = Member("g/heavy", UP, weight=3), Member("g/light", DOWN, weight=1)
    assert judge(heavy, light, member_rule="share", up_share=75).verdict is UP
    assert judge(heavy, light, member_rule="share", up_share=76).verdict is DEGRADED


def test_degraded_counts_as_set() -> None:
    assert judge(DEGRADED, member_rule="share").verdict is UP
    assert judge(DEGRADED, member_rule="share", degraded_is_down=True).verdict is DOWN


def test_paused_and_deleted_members_are_left_out_and_said() -> None:
    paused, gone = Member("g/paused", DOWN, is_paused=True), Member("g/gone", DOWN, is_gone=True, is_paused=True)
    assert judge(UP, paused, gone).verdict is UP
    seen = judge(DEGRADED, paused, gone)
    assert seen.evidence is not None
    assert seen.evidence.found == "1 of 1 degraded: g/0; left out: 1 paused, 1 deleted"
    assert [(each.verdict, each.found) for each in seen.evidence.parts] == [
        (DEGRADED, ""),
        (U, "left out: paused"),
        (U, "left out: deleted"),
    ]


def test_nobody_left_is_no_data_with_a_cure() -> None:
    seen = judge(Member("g/paused", UP, is_paused=True))
    assert (seen.verdict, seen.error_kind) == (U, ErrorKind.NO_DATA)
    assert seen.evidence is not None
    assert seen.evidence.found == "no member is checked; add one or resume one; left out: 1 paused"


def test_a_failure_names_its_members() -> None:
    members = [Member(f"g/{n}", DOWN, weight=2, error_kind=ErrorKind.DNS) for n in range(7)]
    seen = judge(*members, Member("g/ok", UP), Member("g/dark", U))
    assert (seen.verdict, seen.error_kind, seen.attempts, seen.observed_at) == (DOWN, ErrorKind.MEMBERS, 0, NOW)
    assert seen.evidence is not None
    assert seen.evidence.sentence == "Endpoints that it consists of are not up."
    assert seen.evidence.expected == "every member up"
    assert seen.evidence.found == "7 of 9 down: g/0, g/1, g/2, g/3, g/4 and 2 more; 1 of 9 unknown: g/dark"
    first = seen.evidence.parts[0]
    assert (first.name, first.verdict, first.error_kind, first.found) == ("g/0", DOWN, ErrorKind.DNS, "weight 2")
    assert len(seen.evidence.parts) == 9


def test_all_up_is_told_so() -> None:
    assert judge(UP, UP).evidence is None
    assert describe_members([Member("g/a", UP), Member("g/b", UP)]) == "all 2 up"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"member_rule": "most"}, "member_rule"),
        ({"up_share": 0}, "up_share"),
        ({"up_share": True}, "up_share"),
        ({"degraded_share": 101}, "degraded_share"),
        ({"up_share": 40}, "degraded_share"),
        ({"degraded_is_down": "yes"}, "degraded_is_down"),
        ({"method": "GET"}, "method"),
    ],
)
def test_nonsense_is_refused_at_its_option(options: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_judge("group").parse("", options)
    assert caught.value.field == field


def test_an_address_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="connects to nothing; empty the address") as caught:
        load_judge("group").parse("example.com", {})
    assert caught.value.field == "address"


def test_options_come_back_from_what_is_stored() -> None:
    options = GroupOptions(member_rule="share", up_share=80, degraded_share=20, degraded_is_down=True)
    assert load_judge("group").parse("", options.to_dict()) == options


known = st.builds(Member, name=st.just("g/m"), state=st.sampled_from([UP, DEGRADED, DOWN]), weight=st.integers(1, 100))
rules = st.fixed_dictionaries(
    {
        "member_rule": st.sampled_from(RULES),
        "up_share": st.integers(50, 100),
        "degraded_share": st.integers(1, 50),
        "degraded_is_down": st.booleans(),
    }
)


@given(members=st.lists(known, min_size=1, max_size=8), hidden=st.sets(st.integers(0, 7)), options=rules)
def test_what_is_not_known_never_contradicts_what_would_be_seen(
    members: list[Member], hidden: set[int], options: dict[str, Any]
) -> None:
    dark = [Member(m.name, U if n in hidden else m.state, m.weight) for n, m in enumerate(members)]
    seen, truth = judge(*dark, **options).verdict, judge(*members, **options).verdict
    # Never worse than the truth, and never called up where it is not.
    assert seen <= truth
    assert seen is not UP or truth is UP


@given(members=st.lists(known, min_size=1, max_size=8), place=st.integers(0, 7), options=rules)
def test_a_member_that_gets_worse_never_makes_it_better(
    members: list[Member], place: int, options: dict[str, Any]
) -> None:
    worse = [Member(m.name, DOWN if n == place else m.state, m.weight) for n, m in enumerate(members)]
    assert judge(*worse, **options).verdict >= judge(*members, **options).verdict
