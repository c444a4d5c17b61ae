"""Probes a URL right now and explains what it saw. Needs no database; nothing is stored."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.utils.timezone import now as current_time

from healthcheck.engine.assertions import parse_assertion
from healthcheck.engine.masking import mask_url
from healthcheck.engine.probes import read_defaults
from healthcheck.engine.types import ConfigurationError, State
from healthcheck.management.command import TerminalCommand
from healthcheck.management.explained import tell_explanation
from healthcheck.management.screen import Screen
from healthcheck.pipeline.explain import Explanation, describe_explanation, probe_now
from healthcheck.pipeline.schemes import WORTH_PLAIN, find_kind, list_candidates


class Command(TerminalCommand[tuple[str, Explanation]]):
    help = (
        "Probes a URL right now and explains what it saw. Exit status: 0 when it is up, 1 when it is not, "
        "2 when the question cannot be asked as it stands."
    )
    # They may want the database, which this command does without.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "url",
            metavar="URL",
            help="An address, also tcp://host:port, tls://host, icmp://host or dns://name; without a scheme, https:// "
            "and http:// are tried.",
        )
        parser.add_argument(
            "--expect",
            action="append",
            default=[],
            metavar="ASSERTION",
            help='What must hold, such as "status 200-299"; may be given more than once.',
        )
        parser.add_argument(
            "--option",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="An option of the kind, such as addresses=all; what is no text is written as JSON. May be repeated.",
        )
        parser.add_argument(
            "--timeout", type=float, default=10.0, metavar="SECONDS", help="Bounds the whole check (default: 10)."
        )

    def ask(self, options: dict[str, Any]) -> tuple[tuple[str, Explanation], bool]:
        for text in options["expect"]:
            _refuse_unreadable(text)
        url, explanation = _probe_candidates(list_candidates(options["url"]), options)
        return (mask_url(url), explanation), explanation.verdict is State.UP

    def tell(self, answer: tuple[str, Explanation], screen: Screen) -> None:
        url, explanation = answer
        tell_explanation(explanation, url, screen)

    def describe(self, answer: tuple[str, Explanation]) -> object:
        return describe_explanation(answer[1])


def _probe_candidates(urls: list[str], options: dict[str, Any]) -> tuple[str, Explanation]:
    """Probe what the address may mean; return the first that answers, else the first of all."""
    found: list[tuple[str, Explanation]] = []
    for url in urls:
        kind = find_kind(url)
        explanation = probe_now(
            kind,
            url,
            _read_options(kind, options["option"]),
            assertions=options["expect"],
            # All of them together take no longer than one.
            timeout_seconds=options["timeout"] / len(urls),
            now=current_time(),
        )
        found.append((url, explanation))
        if explanation.error_kind not in WORTH_PLAIN:
            return found[-1]
    return found[0]


def _read_options(kind: str, written: list[str]) -> dict[str, Any]:
    """Return the options of a kind as a file would hold them."""
    defaults, options = read_defaults(kind), dict[str, Any]()
    for text in written:
        name, mark, value = text.partition("=")
        if not mark:
            raise ConfigurationError(f"--option “{name[:50]}”: write it as NAME=VALUE, such as addresses=all.")
        options[name] = value if isinstance(defaults.get(name, ""), str) else _read_json(name, value)
    return options


def _read_json(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        # Without the value, which may be secret.
        raise ConfigurationError(
            f"--option “{name}”: the value is not text, so write it as JSON, such as 5, true or []."
        ) from None


def _refuse_unreadable(text: str) -> None:
    """Name the one of many that cannot be read."""
    try:
        parse_assertion(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"--expect “{text}”: {error.sentence}") from None
