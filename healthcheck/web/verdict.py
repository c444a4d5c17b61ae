"""The one sentence over a status page. It never reassures about what nobody has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from healthcheck.engine.types import State
from healthcheck.web.board import Board, EndpointView, choose_counted, count_maintained, summarise_states
from healthcheck.web.words import describe_count, describe_maintained


@dataclass(frozen=True, slots=True)
class Verdict:
    """`detail` completes the sentence; it may be empty."""

    state: State
    sentence: str
    detail: str = ""


def judge_board(board: Board) -> Verdict:
    """Return the overall verdict. What is paused does not count, nor does trouble in maintenance; a checker that is
    behind leaves nothing certain.
    """
    endpoints = board.endpoints
    active = [endpoint for endpoint in endpoints if not endpoint.is_paused]
    if not endpoints:
        return Verdict(State.UNKNOWN, gettext("Nothing is checked yet"))
    if board.checker_faults:
        return Verdict(State.UNKNOWN, gettext("The current state is not known"), _describe_last_known(active))
    if not active:
        return Verdict(State.UNKNOWN, gettext("All checks are paused"))
    if not any(endpoint.is_checked for endpoint in active):
        return Verdict(State.UNKNOWN, gettext("Waiting for the first results"))
    counted = choose_counted(active)
    if len(counted) == len(active):
        return _judge_active(counted)
    return _judge_maintained(counted, count_maintained(endpoints))


def _judge_maintained(counted: Sequence[EndpointView], maintained: int) -> Verdict:
    """Return the verdict where some are in maintenance and in trouble: it never says that those are up."""
    if not counted:
        return Verdict(State.UNKNOWN, gettext("Everything is in maintenance"))
    verdict = _judge_active(counted)
    is_good = verdict.state is State.UP
    sentence = gettext("Everything outside maintenance is up") if is_good else verdict.sentence
    parts = [verdict.detail, describe_maintained(maintained)]
    return Verdict(verdict.state, sentence, ", ".join(part for part in parts if part))


def _judge_active(active: Sequence[EndpointView]) -> Verdict:
    state = summarise_states(endpoint.state for endpoint in active)
    count = sum(endpoint.state is state for endpoint in active)
    if count == len(active):
        detail = ngettext("%(count)s endpoint", "%(count)s endpoints", count) % {"count": count}
        return Verdict(state, _describe_all(state), detail)
    numbers = {"count": count, "total": len(active)}
    return Verdict(state, _describe_some(state, count) % numbers, _describe_rest(active, state))


def _describe_all(state: State) -> str:
    if state is State.UP:
        return gettext("Everything is up")
    if state is State.DEGRADED:
        return gettext("Everything is degraded")
    if state is State.DOWN:
        return gettext("Everything is down")
    return gettext("The current state is not known")


def _describe_some(state: State, count: int) -> str:
    if state is State.DEGRADED:
        return ngettext("%(count)s of %(total)s is degraded", "%(count)s of %(total)s are degraded", count)
    if state is State.DOWN:
        return ngettext("%(count)s of %(total)s is down", "%(count)s of %(total)s are down", count)
    return ngettext(
        "The state of %(count)s of %(total)s endpoints is not known",
        "The state of %(count)s of %(total)s endpoints is not known",
        count,
    )


def _describe_rest(active: Sequence[EndpointView], named: State) -> str:
    states = [endpoint.state for endpoint in active]
    rest = [state for state in (State.DEGRADED, State.UNKNOWN, State.UP) if state in states and state is not named]
    return ", ".join(describe_count(state, states.count(state)) for state in rest)


def _describe_last_known(active: list[EndpointView]) -> str:
    down = sum(endpoint.state is State.DOWN for endpoint in active)
    if not down:
        return ""
    return gettext("Last known: %(count)s of %(total)s endpoints down") % {"count": down, "total": len(active)}
