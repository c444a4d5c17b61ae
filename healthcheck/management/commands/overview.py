"""Prints what a status page shows, in the page's own words."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext, ngettext

from healthcheck.engine.types import ConfigurationError, State
from healthcheck.management.command import TerminalCommand
from healthcheck.management.screen import QUIET, STRONG, Screen, Span
from healthcheck.models import StatusPage, WorkerPulse
from healthcheck.models.clock import read_database_clock
from healthcheck.models.page import DEFAULT_SLUG
from healthcheck.web.board import Board, EndpointView, GroupView
from healthcheck.web.json_twin import describe_board
from healthcheck.web.snapshot import find_page, load_board
from healthcheck.web.verdict import judge_board
from healthcheck.web.words import (
    describe_age,
    describe_counts,
    describe_fault,
    describe_instant,
    describe_latency,
    describe_reason,
    describe_state,
    shorten_name,
)

# One character per verdict, readable without colours.
_MARKS = {str(State.UP.value): ".", str(State.DEGRADED.value): "~", str(State.DOWN.value): "x"}
STRIP_CHARS = 30
WORKERS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Seen:
    """The page, and workers whose spool holds or has dropped results."""

    board: Board
    spools: Sequence[WorkerPulse]
    now: datetime


class Command(TerminalCommand[Seen]):
    help = "Prints what a status page shows. Exit status: 0 when it could be read, whatever it says; 2 otherwise."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("page", metavar="PAGE", nargs="?", help="The page's slug (default: the default page).")

    def ask(self, options: dict[str, Any]) -> tuple[Seen, bool]:
        now = read_database_clock()
        board = load_board(_get_page(options["page"]), now=now)
        return Seen(board, list(WorkerPulse.objects.with_spool(now)[:WORKERS_SHOWN]), now), True

    def tell(self, answer: Seen, screen: Screen) -> None:
        board, now = answer.board, answer.now
        verdict = judge_board(board)
        detail = f" ({verdict.detail})" if verdict.detail else ""
        screen.write(Span(f"{board.title}: ", STRONG), Span(verdict.sentence, verdict.state.word), Span(detail))
        for fault in board.checker_faults:
            screen.write(Span(describe_fault(fault, now), State.DOWN.word))
        for worker in answer.spools:
            _tell_spool(worker, now, screen)
        for group in board.groups:
            _tell_group(group, now, screen)

    def describe(self, answer: Seen) -> object:
        return describe_board(answer.board, answer.now)


def _tell_spool(worker: WorkerPulse, now: datetime, screen: Screen) -> None:
    if worker.spooled_count:
        waiting = ngettext(
            "%(count)d result waits in the spool of worker %(node)s since %(at)s.",
            "%(count)d results wait in the spool of worker %(node)s since %(at)s.",
            worker.spooled_count,
        )
        at = describe_instant(worker.spooled_since or now)
        told = waiting % {"count": worker.spooled_count, "node": worker.node, "at": at}
        screen.write(Span(told, State.DEGRADED.word))
    if worker.dropped_count:
        dropped = ngettext(
            "%(count)d result was dropped by the spool of worker %(node)s.",
            "%(count)d results were dropped by the spool of worker %(node)s.",
            worker.dropped_count,
        )
        screen.write(Span(dropped % {"count": worker.dropped_count, "node": worker.node}, State.DOWN.word))


def _get_page(slug: str | None) -> StatusPage:
    page = find_page(slug)
    if page is not None:
        return page
    if slug is None:
        # As the page itself does before anybody has made one.
        return StatusPage(slug=DEFAULT_SLUG, title=gettext("Status"))
    known = ", ".join(StatusPage.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "none yet"
    raise ConfigurationError(f"There is no status page “{slug}”; the pages are: {known}.")


def _tell_group(group: GroupView, now: datetime, screen: Screen) -> None:
    screen.write()
    paused = f" ({gettext('Paused')})" if group.is_paused else ""
    screen.write(Span(shorten_name(group.name), STRONG), Span(f"  {describe_counts(group)}{paused}", QUIET))
    if group.endpoints:
        screen.write_table((), [_draw_endpoint(endpoint, now) for endpoint in group.endpoints])


def _draw_endpoint(endpoint: EndpointView, now: datetime) -> list[Span]:
    seen = endpoint.sighting
    strip = "".join(_MARKS.get(digit, "?") for digit in seen.strip[-STRIP_CHARS:])
    since = describe_age(seen.since, now) if seen.since is not None and endpoint.is_checked else ""
    paused = gettext("Paused")
    return [
        Span("  "),
        Span(paused, QUIET) if endpoint.is_paused else Span(describe_state(endpoint), endpoint.state.word),
        Span(shorten_name(endpoint.name)),
        Span(describe_latency(endpoint.latency_us) if endpoint.latency_us else "", QUIET),
        Span(strip, QUIET),
        Span(since, QUIET),
        Span("" if endpoint.is_paused else describe_reason(endpoint)),
    ]
