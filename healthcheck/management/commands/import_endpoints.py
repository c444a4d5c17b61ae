"""Imports endpoints or groups from CSV: all of the file in one transaction, or nothing and the reasons why."""

from __future__ import annotations

import io
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Model

from healthcheck.definitions.csv_import import plan_rows
from healthcheck.definitions.csv_reading import MAX_FILE_BYTES, read_csv
from healthcheck.definitions.drafts import DefinitionError
from healthcheck.definitions.plans import Plan, PlanChangedError, apply_plan
from healthcheck.definitions.versions import Change
from healthcheck.management.definition_files import add_kind_option, choose_model
from healthcheck.models import VersionAction
from healthcheck.models.clock import read_database_clock

# The first ones say what is wrong; the rest of a wrong file is wrong in the same way.
MAX_REFUSALS_SHOWN = 20


class Command(BaseCommand):
    help = "Imports endpoints (or groups) from a CSV file. Exit status 0: applied, or nothing to do; 1: refused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="The CSV file; an export is an example.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would change, and change nothing.")
        add_kind_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        model = choose_model(groups=options["groups"])
        content = _read_file(options["file"])
        plan = _make_plan(model, content)
        if plan.refused:
            raise CommandError(_describe_refusals(plan))
        words = _describe_counts(plan)
        if options["dry_run"]:
            self.stdout.write(f"{words}. Nothing was written.")
            return
        self.stdout.write(f"Checked {_count_rows(len(plan.drafts))}; writing {len(plan.changed) or 'none'} of them.")
        comment = f"from {Path(options['file']).name}"
        change = Change(
            read_database_clock(), action=VersionAction.IMPORTED, author_name="import_endpoints", comment=comment
        )
        ids = [draft.pk for draft in plan.changed if draft.pk is not None]
        try:
            apply_plan(
                model,
                ids,
                lambda: _make_plan(model, content),
                digest=plan.digest,
                change=change,
                slugs=plan.entered_slugs,
            )
        except PlanChangedError:
            raise CommandError("Somebody changed something meanwhile, and nothing was written; run it again.") from None
        self.stdout.write(f"{words}.")


def _read_file(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None


def _make_plan(model: type[Model], content: bytes) -> Plan:
    try:
        # Whoever runs commands here can read every credential anyway.
        return plan_rows(model, read_csv(model, io.BytesIO(content)), may_use_credentials=True)
    except DefinitionError as error:
        raise CommandError(str(error)) from None


def _describe_counts(plan: Plan) -> str:
    """Return what is new, changed and as it was, without what there is none of."""
    changed, new = len(plan.changed), plan.created_count
    counts = {"new": new, "changed": changed - new, "as before": len(plan.drafts) - changed}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "The file has no rows"


def _count_rows(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"


def _describe_refusals(plan: Plan) -> str:
    lines = [f"Line {draft.line}: {sentence}" for draft in plan.refused for sentence in draft.refusals]
    rest = len(lines) - MAX_REFUSALS_SHOWN
    more = [f"and {rest} more."] if rest > 0 else []
    return "\n".join(["Nothing was written:", *lines[:MAX_REFUSALS_SHOWN], *more])
