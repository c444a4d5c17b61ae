"""The page that shows a plan before it is applied: what changes and what is refused, a page of it at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.translation import gettext as _

from healthcheck.admin.change.version_history import name_fields
from healthcheck.definitions.comparing import Difference, compare_documents, describe_document
from healthcheck.definitions.drafts import Draft
from healthcheck.definitions.plans import Plan
from healthcheck.definitions.versions import name_document

ROWS_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class PlanRow:
    name: str
    place: str
    line: int
    is_new: bool
    changes: Sequence[Difference]
    refusals: Sequence[str]


def describe_plan(plan: Plan, page_number: str) -> dict[str, Any]:
    """Return what the template shows. What is refused comes first: nothing is applied until it is mended."""
    refused, fine = plan.refused, [draft for draft in plan.changed if not draft.refusals]
    page = Paginator([*refused, *fine], ROWS_PER_PAGE).get_page(page_number)
    return {
        "rows_page": page,
        "rows": [_describe(draft) for draft in page.object_list],
        "changed_count": len(plan.changed),
        "created_count": plan.created_count,
        "unchanged_count": len(plan.drafts) - len({id(draft) for draft in [*plan.changed, *refused]}),
        "refused_count": len(refused),
        "is_applicable": bool(plan.changed) and not refused,
    }


def warn_of_changes(request: HttpRequest, plan: Plan, *, seen: str) -> None:
    """Say that the plan is not the one whose digest was `seen`: pages looked over before may show what is past."""
    if seen and seen != plan.digest:
        sentence = _("Something was changed while you looked at the pages: look them over again.")
        messages.warning(request, sentence)


def _describe(draft: Draft) -> PlanRow:
    changes = (
        compare_documents(draft.before, draft.after, shows_hidden=True)
        if draft.before is not None
        else describe_document(draft.after, shows_hidden=True)
    )
    return PlanRow(
        name=name_document(draft.after) or _("(no name)"),
        place=str(draft.after.get("group") or draft.after.get("slug") or ""),
        line=draft.line,
        is_new=draft.pk is None,
        changes=name_fields(changes),
        refusals=draft.refusals,
    )
