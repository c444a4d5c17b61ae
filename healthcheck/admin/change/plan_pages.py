"""The page that shows a plan before it is applied: what changes and what is refused, a page of it at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from healthcheck.admin.look.field_words import describe_differences
from healthcheck.definitions.comparing import Difference, compare_documents, describe_document
from healthcheck.definitions.documents import Document
from healthcheck.definitions.drafts import Draft
from healthcheck.definitions.labels import name_field
from healthcheck.definitions.plans import Plan
from healthcheck.definitions.versions import name_document

ROWS_PER_PAGE = 50
# Of those that an edit leaves alone; the number of the others says enough.
MAX_NAMES = 20


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
        "rows": [_describe(plan.model, draft) for draft in page.object_list],
        "counts": list(_count(plan)),
        "foreign": list(_name_foreign(plan)),
        "is_refused": bool(refused),
        "is_applicable": bool(plan.changed) and not refused,
    }


def name_count(model: type[Model], count: int) -> str:
    """Return “3 endpoints”."""
    words = model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural
    return f"{count} {words}"


def _count(plan: Plan) -> Iterator[str]:
    """Yield a sentence for each number that is not zero."""
    fine = [draft for draft in plan.changed if not draft.refusals]
    new = sum(draft.pk is None for draft in fine)
    changed, same = len(fine) - new, len(plan.drafts) - len(fine) - len(plan.refused)
    if changed:
        yield ngettext("%(things)s will be changed.", "%(things)s will be changed.", changed) % _name(plan, changed)
    if new:
        yield ngettext("%(things)s will be added.", "%(things)s will be added.", new) % _name(plan, new)
    if same:
        yield ngettext("%(things)s stays as it is.", "%(things)s stay as they are.", same) % _name(plan, same)
    if refused := len(plan.refused):
        yield ngettext("%(things)s is refused.", "%(things)s are refused.", refused) % _name(plan, refused)


def _name_foreign(plan: Plan) -> Iterator[str]:
    """Yield a sentence for each option that some of them do not have, and name them."""
    for field, drafts in plan.foreign.items():
        names = [f"{name_document(draft.after)} ({draft.after['kind']})" for draft in drafts[:MAX_NAMES]]
        if more := len(drafts) - len(names):
            names.append(ngettext("%(count)s more", "%(count)s more", more) % {"count": more})
        sentence = _("“%(option)s” stays as it is where the kind has no such option: %(names)s.")
        yield sentence % {"option": name_field(plan.model, field), "names": ", ".join(names)}


def _name(plan: Plan, count: int) -> dict[str, str]:
    return {"things": name_count(plan.model, count)}


def warn_of_changes(request: HttpRequest, plan: Plan, *, seen: str) -> None:
    """Say that the plan is not the one whose digest was `seen`: pages looked over before may show what is past."""
    if seen and seen != plan.digest:
        sentence = _("Something was changed while you looked at the pages: look them over again.")
        messages.warning(request, sentence)


def _find_place(document: Document) -> str:
    return str(document.get("group") or document.get("slug") or "")


def _describe(model: type[Model], draft: Draft) -> PlanRow:
    changes = (
        compare_documents(draft.before, draft.after, shows_hidden=True)
        if draft.before is not None
        else describe_document(draft.after, shows_hidden=True)
    )
    return PlanRow(
        name=name_document(draft.after) or _("(no name)"),
        place=_find_place(draft.before or draft.after),
        line=draft.line,
        is_new=draft.pk is None,
        changes=describe_differences(model, changes),
        refusals=draft.refusals,
    )
