"""Makes, lists and withdraws corrections, through the same door as the admin."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from healthcheck.definitions.instants import read_instant, write_instant
from healthcheck.engine.types import ConfigurationError
from healthcheck.management.command import TerminalCommand
from healthcheck.management.screen import QUIET, Screen, Span
from healthcheck.models import Correction, CorrectionEffect, Endpoint
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.correct import MAX_ENDPOINTS, Author, Proposal, make_corrections, withdraw_corrections

EFFECTS = {each.name.lower().replace("_", "-"): each for each in CorrectionEffect}
# Newest first; who looks for more narrows it by a target.
MAX_LISTED = 200
_TARGET_HELP = "A group's slug, such as shop, or one of its endpoints, such as “shop/front page”."
_NEXT = "The figures of hours that are over follow with the next roll-up."


@dataclass(frozen=True, slots=True)
class Told:
    """Either what was done, or the corrections with the names of their endpoints."""

    count: int = 0
    sentences: tuple[str, ...] = ()
    listed: tuple[tuple[Correction, str], ...] | None = None


class Command(TerminalCommand[Told]):
    help = (
        "Says what an interval of endpoints really was, lists what was said, and takes it back. Exit status: 0 when it "
        "was done, 2 when it was refused, and then nothing is written."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="make | list | withdraw")
        make = actions.add_parser("make", help="Correct an interval that is over.")
        make.add_argument("targets", metavar="TARGET", nargs="+", help=_TARGET_HELP)
        make.add_argument("--from", dest="start", required=True, metavar="TIME", help="Such as “2026-07-01 14:05”.")
        make.add_argument("--until", dest="end", required=True, metavar="TIME", help="Not in the future.")
        make.add_argument("--effect", required=True, choices=EFFECTS, help="What it was.")
        make.add_argument("--reason", required=True, help="Why, in one line.")
        make.add_argument("--public", action="store_true", help="Show the reason on status pages.")
        listing = actions.add_parser("list", help="List corrections, newest first.")
        listing.add_argument("targets", metavar="TARGET", nargs="*", help=_TARGET_HELP)
        listing.add_argument("--withdrawn", action="store_true", help="With those that were withdrawn.")
        withdraw = actions.add_parser("withdraw", help="Take corrections back.")
        withdraw.add_argument("ids", metavar="ID", nargs="+", type=int, help="Its number in the list.")
        for each in (make, withdraw):
            each.add_argument("--author", required=True, metavar="NAME", help="Who says so: it stays in the history.")
        for each in (make, listing, withdraw):
            super().add_arguments(each)

    def ask(self, options: dict[str, Any]) -> tuple[Told, bool]:
        try:
            return _ACTIONS[options["action"]](options), True
        except ValidationError as error:
            raise ConfigurationError(" ".join(error.messages)) from None

    def tell(self, answer: Told, screen: Screen) -> None:
        for sentence in answer.sentences:
            screen.write(Span(sentence))
        if answer.listed:
            screen.write_table(_HEADER, [_list_cells(each, name) for each, name in answer.listed])

    def describe(self, answer: Told) -> object:
        if answer.listed is None:
            return {"count": answer.count, "sentences": list(answer.sentences)}
        return [_describe(each, name) for each, name in answer.listed]


def _make(options: dict[str, Any]) -> Told:
    proposal = Proposal(
        starts_at=read_instant(options["start"]),
        ends_at=read_instant(options["end"]),
        effect=EFFECTS[options["effect"]],
        reason=options["reason"],
        is_public=options["public"],
    )
    ids = [pk for target in options["targets"] for pk in _find_target(target)]
    count = make_corrections(ids, proposal, author=_name_author(options), now=read_database_clock())
    return Told(count, (f"Endpoints corrected: {count}.", _NEXT))


def _list(options: dict[str, Any]) -> Told:
    rows = Correction.objects.all() if options["withdrawn"] else Correction.objects.standing()
    if options["targets"]:
        rows = rows.filter(endpoint_id__in=[pk for target in options["targets"] for pk in _find_target(target)])
    found = list(rows.order_by("-starts_at", "-pk")[: MAX_LISTED + 1])
    names = _name_endpoints({each.endpoint_id for each in found})
    listed = tuple((each, names.get(each.endpoint_id, f"endpoint {each.endpoint_id}")) for each in found[:MAX_LISTED])
    sentences = () if found else ("There are no corrections.",)
    if len(found) > MAX_LISTED:
        sentences = (f"These are the newest {MAX_LISTED}; name a group or an endpoint to see others.",)
    return Told(len(listed), sentences, listed)


def _withdraw(options: dict[str, Any]) -> Told:
    ids = sorted(set(options["ids"]))
    known = set(Correction.objects.filter(pk__in=ids).values_list("pk", flat=True))
    if lost := [pk for pk in ids if pk not in known]:
        raise ConfigurationError(f"There is no correction {lost[0]}; see `manage.py correct list`.")
    count = withdraw_corrections(ids, author=_name_author(options), now=read_database_clock())
    before = (f"Withdrawn before, by somebody else: {len(ids) - count}.",) if count < len(ids) else ()
    return Told(count, (f"Corrections withdrawn: {count}.", *before, *((_NEXT,) if count else ())))


_ACTIONS = {"make": _make, "list": _list, "withdraw": _withdraw}


def _name_author(options: dict[str, Any]) -> Author:
    name = " ".join(options["author"].split())
    if not name:
        raise ConfigurationError("Say who corrects it, as in --author Kim.")
    return Author(name)


def _find_target(target: str) -> list[int]:
    """Return the endpoints of a group, or the one. A slug has no slash; a name may have some."""
    slug, slash, name = target.partition("/")
    rows: QuerySet[Endpoint] = Endpoint.objects.existing().filter(group__deleted_at__isnull=True, group__slug=slug)
    chosen = rows.filter(Q(name=name.strip()) if slash else Q()).order_by("pk")
    # One more than may be corrected: the pipeline's sentence says how many those are.
    ids = list(chosen.values_list("pk", flat=True)[: MAX_ENDPOINTS + 1])
    if not ids:
        raise ConfigurationError(f"There is no endpoint “{target}”; write a group's slug, or “slug/name”.")
    return ids


def _name_endpoints(ids: set[int]) -> dict[int, str]:
    rows = Endpoint.objects.filter(pk__in=ids).values_list("pk", "group__slug", "name")
    return {pk: f"{slug}/{name}" for pk, slug, name in rows}


_HEADER = ("ID", "Endpoint", "From", "Until", "Effect", "By", "Reason")


def _list_cells(row: Correction, name: str) -> Sequence[Span]:
    tone = QUIET if row.withdrawn_at else ""
    by = f"{row.author_name}, withdrawn by {row.withdrawn_by_name}" if row.withdrawn_at else row.author_name
    words = (
        str(row.pk),
        name,
        write_instant(row.starts_at),
        write_instant(row.ends_at),
        _name_effect(row),
        by,
        row.reason,
    )
    return [Span(each, tone) for each in words]


def _describe(row: Correction, name: str) -> dict[str, Any]:
    return {
        "id": row.pk,
        "endpoint": name,
        "starts_at": _write(row.starts_at),
        "ends_at": _write(row.ends_at),
        "effect": _name_effect(row),
        "reason": row.reason,
        "is_public": row.is_public,
        "at": _write(row.at),
        "author": row.author_name,
        "withdrawn_at": _write(row.withdrawn_at),
        "withdrawn_by": row.withdrawn_by_name or None,
    }


def _name_effect(row: Correction) -> str:
    return next(word for word, effect in EFFECTS.items() if effect == row.effect)


def _write(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
