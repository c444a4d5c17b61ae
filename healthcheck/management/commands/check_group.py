"""Runs a group right now in this process, as a recorded run, and shows what it brought."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from healthcheck.engine.types import ConfigurationError, Outcome
from healthcheck.management.command import TerminalCommand
from healthcheck.management.explained import describe_duration
from healthcheck.management.group_report import Report, describe_report, load_report, tell_report
from healthcheck.management.group_run import Asked, ask_for_run, await_run, perform_here
from healthcheck.management.screen import QUIET, Screen, Span, name_state
from healthcheck.models import Endpoint, EndpointGroup

MAX_SLUGS_NAMED = 20


class Command(TerminalCommand[Report]):
    help = (
        "Runs a group right now, in this process and recorded as any other run. Exit status: 0 when all of it is up, "
        "1 when it is not, 2 when there is nothing to check."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", metavar="SLUG", help="The group's slug, as its address in the admin shows it.")

    def ask(self, options: dict[str, Any]) -> tuple[Report, bool]:
        group = _find_group(options["slug"])
        endpoints = list(group.endpoints.checked())
        if not endpoints:
            raise ConfigurationError(f"The group “{group.slug}” has no endpoint to check; add or resume one.")
        asked = ask_for_run(group)
        screen = None if options["json"] else self.open_screen(options)
        _perform(asked, group, endpoints=endpoints, screen=screen)
        run = await_run(asked, group)
        report = load_report(group, run, endpoints=endpoints, is_joined=asked.is_joined)
        return report, report.is_well

    def tell(self, answer: Report, screen: Screen) -> None:
        tell_report(answer, screen)

    def describe(self, answer: Report) -> object:
        return describe_report(answer)


def _find_group(slug: str) -> EndpointGroup:
    groups = EndpointGroup.objects.existing()
    group = groups.filter(slug=slug).first()
    if group is not None:
        return group
    slugs = list(groups.values_list("slug", flat=True)[: MAX_SLUGS_NAMED + 1])
    if not slugs:
        raise ConfigurationError("There is no group yet; add one in the admin.")
    known = ", ".join(slugs[:MAX_SLUGS_NAMED]) + (", …" if len(slugs) > MAX_SLUGS_NAMED else "")
    raise ConfigurationError(f"There is no group “{slug}”; choose one of {known}.")


def _perform(asked: Asked, group: EndpointGroup, *, endpoints: list[Endpoint], screen: Screen | None) -> None:
    if screen is None:
        perform_here(asked, lambda endpoint_id, outcome: None)
        return
    names = {endpoint.pk: endpoint.name for endpoint in endpoints}
    with screen.watch(group.name, len(endpoints)) as progress:

        def show(endpoint_id: int, outcome: Outcome) -> None:
            took = Span(f"  {describe_duration(outcome.latency_us)}", QUIET)
            progress.add(name_state(outcome.verdict), Span(f"  {names.get(endpoint_id, '')}"), took)

        perform_here(asked, show)
