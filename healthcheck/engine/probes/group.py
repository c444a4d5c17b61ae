"""The kind that is made of other endpoints: the worst of them, the best, or a weighted share that has to be up.

It asks nobody and goes by what is known of its members: their stored states, which the pipeline loads beforehand. So
members that are such endpoints themselves cost nothing more, and a circle of them could never be followed round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.probes.option_values import check_no_address, parse_count, refuse_unknown
from healthcheck.engine.types import ConfigurationError, ErrorKind, Evidence, Outcome, State, SubResult, Target

# What somebody can still survey; more of them belong into groups of their own, which are members in their turn.
MAX_MEMBERS = 100
MAX_WEIGHT = 100
# Levels of such endpoints, one inside the other. What happens at the bottom is known at the top so many runs later.
MAX_DEPTH = 5
WORST, BEST, SHARE = "worst", "best", "share"
RULES = (WORST, BEST, SHARE)
# Names that a sentence lists before it only counts.
_MAX_NAMES = 5


@dataclass(frozen=True, slots=True)
class Member:
    """What is known of one member: `state` is UNKNOWN where the evidence has expired, `is_gone` means deleted."""

    name: str
    state: State
    weight: int = 1
    error_kind: ErrorKind | None = None
    is_paused: bool = False
    is_gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupOptions:
    """How members are counted. Shares are percent of the weight of all members that are checked.

    In a share a degraded member counts as up, unless `degraded_is_down`.
    """

    member_rule: str = WORST
    up_share: int = 100
    degraded_share: int = 50
    degraded_is_down: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values from which `parse` makes the same options."""
        return asdict(self)

    @property
    def expectation(self) -> str:
        """What must hold of the members, in words."""
        if self.member_rule == SHARE:
            return f"{self.up_share} % of the weight up"
        return "every member up" if self.member_rule == WORST else "one member up"

    def combine(self, members: Sequence[Member], unknown: State) -> State:
        """Return the verdict if all members that are not known were `unknown`. Worse ones never make it better."""
        states = [unknown if each.state is State.UNKNOWN else each.state for each in members]
        if self.member_rule == SHARE:
            return self._compare_share(members, states)
        return max(states) if self.member_rule == WORST else min(states)

    def _compare_share(self, members: Sequence[Member], states: Sequence[State]) -> State:
        counted = {State.UP} if self.degraded_is_down else {State.UP, State.DEGRADED}
        whole = sum(each.weight for each in members)
        share = sum(each.weight for each, state in zip(members, states, strict=True) if state in counted)
        # In whole numbers: a third of three is not to miss its third.
        if share * 100 >= self.up_share * whole:
            return State.UP
        return State.DEGRADED if share * 100 >= self.degraded_share * whole else State.DOWN


class GroupJudge:
    """Judges by members."""

    kind = "group"
    uses_credentials = False
    defaults: Mapping[str, Any] = GroupOptions().to_dict()

    def parse(self, address: str, options: Mapping[str, Any]) -> GroupOptions:
        """Return the typed options. Raises ConfigurationError with a sentence that names the cure."""
        check_no_address(address, self.kind)
        refuse_unknown(self.kind, options, _PARSERS)
        parsed = GroupOptions(**{name: _PARSERS[name](value) for name, value in options.items()})
        if parsed.degraded_share > parsed.up_share:
            raise ConfigurationError(
                "The share for degraded must not be larger than the share for up; lower it.", field="degraded_share"
            )
        return parsed

    def judge(self, target: Target, facts: Sequence[Member] | None, now: datetime) -> Outcome:
        """Judge by the members' states.

        Those that are paused or deleted are left out. Where nothing is known of a member, the verdict is the mildest of
        those that are possible, if that one is bad; if all could be well, it is unknown. So what we do not know never
        makes anything down, and never hides what is certain.
        """
        options: GroupOptions = target.options
        members = facts or ()
        counted = [each for each in members if not (each.is_paused or each.is_gone)]
        if not counted:
            return _conclude(State.UNKNOWN, now, options=options, members=members)
        mildest = options.combine(counted, State.UP)
        is_certain = mildest is options.combine(counted, State.DOWN)
        if mildest is State.UP and is_certain:
            return Outcome(State.UP, now, attempts=0)
        return _conclude(State.UNKNOWN if mildest is State.UP else mildest, now, options=options, members=members)


def _conclude(verdict: State, now: datetime, *, options: GroupOptions, members: Sequence[Member]) -> Outcome:
    kind = ErrorKind.NO_DATA if verdict is State.UNKNOWN else ErrorKind.MEMBERS
    evidence = Evidence(
        sentence=SENTENCES[kind],
        expected=options.expectation,
        found=describe_members(members),
        parts=tuple(_describe_part(each) for each in members),
    )
    return Outcome(verdict, now, error_kind=kind, attempts=0, evidence=evidence)


def describe_members(members: Sequence[Member]) -> str:
    """Return what was found in one line, such as “2 of 5 down: web/a, web/b; left out: 1 paused”."""
    counted = [each for each in members if not (each.is_paused or each.is_gone)]
    said = [
        f"{len(such)} of {len(counted)} {state.word}: {_list_names(such)}"
        for state in (State.DOWN, State.DEGRADED, State.UNKNOWN)
        if (such := [each for each in counted if each.state is state])
    ]
    if not counted:
        said = ["no member is checked; add one or resume one"]
    elif not said:
        said = [f"all {len(counted)} up"]
    gone = sum(each.is_gone for each in members)
    paused = sum(each.is_paused and not each.is_gone for each in members)
    left_out = [f"{count} {word}" for count, word in ((paused, "paused"), (gone, "deleted")) if count]
    return "; ".join([*said, f"left out: {', '.join(left_out)}"] if left_out else said)


def _list_names(members: Sequence[Member]) -> str:
    names = ", ".join(each.name for each in members[:_MAX_NAMES])
    more = len(members) - _MAX_NAMES
    return f"{names} and {more} more" if more > 0 else names


def _describe_part(member: Member) -> SubResult:
    weight = f"weight {member.weight}" if member.weight != 1 else ""
    left_out = "left out: deleted" if member.is_gone else "left out: paused" if member.is_paused else ""
    is_bad = member.state in (State.DEGRADED, State.DOWN)
    return SubResult(
        name=member.name,
        verdict=State.UNKNOWN if left_out else member.state,
        error_kind=member.error_kind if is_bad and not left_out else None,
        found=", ".join(each for each in (left_out, weight) if each),
    )


def _parse_rule(value: Any) -> str:
    if value not in RULES:
        raise ConfigurationError("The rule must be worst, best or share; choose one.", field="member_rule")
    return str(value)


def _parse_yes_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(
            "Whether degraded counts as down must be yes or no; choose one.", field="degraded_is_down"
        )
    return value


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "member_rule": _parse_rule,
    "up_share": lambda value: parse_count(value, 1, 100, field="up_share"),
    "degraded_share": lambda value: parse_count(value, 1, 100, field="degraded_share"),
    "degraded_is_down": _parse_yes_no,
}
