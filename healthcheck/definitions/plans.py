"""A change of many definitions: planned, shown, and applied only if it is still the one that was shown.

Everything is validated before anything is written, and all of it is written in one transaction or none of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db import transaction
from django.db.models import Model

from healthcheck.definitions.credential_use import refuse_exposures
from healthcheck.definitions.documents import read_documents
from healthcheck.definitions.drafts import Draft
from healthcheck.definitions.edits import Edit, apply_edits, fits_kind
from healthcheck.definitions.endpoint_drafts import check_endpoints, save_endpoints
from healthcheck.definitions.group_drafts import check_groups, save_groups
from healthcheck.definitions.versions import Change, Due, lock_groups, lock_rows, settle
from healthcheck.models import Endpoint, EndpointGroup

# What one transaction changes within a request's time: half a minute at the very most, on a slow machine.
MAX_ROWS = 20_000

_CHECKERS: Mapping[type[Model], Callable[[Sequence[Draft]], None]] = {
    Endpoint: check_endpoints,
    EndpointGroup: check_groups,
}
_SAVERS: Mapping[type[Model], Callable[[Sequence[Draft], Change], list[int]]] = {
    Endpoint: save_endpoints,
    EndpointGroup: save_groups,
}


class PlanChangedError(ValueError):
    """What was shown is not what would be done any more: somebody changed something meanwhile."""


@dataclass(frozen=True)
class Plan:
    """Drafts in order. Those that change nothing are left out of everything but the count."""

    model: type[Model]
    drafts: Sequence[Draft]

    @cached_property
    def changed(self) -> list[Draft]:
        return [draft for draft in self.drafts if draft.is_changed]

    @cached_property
    def refused(self) -> list[Draft]:
        return [draft for draft in self.drafts if draft.refusals]

    @property
    def foreign(self) -> dict[str, list[Draft]]:
        """Return who was left alone in something because the kind has no such thing, by what it is."""
        fields = dict.fromkeys(name for draft in self.drafts for name in draft.foreign)
        return {name: [draft for draft in self.drafts if name in draft.foreign] for name in fields}

    @property
    def created_count(self) -> int:
        return sum(draft.pk is None for draft in self.changed)

    @property
    def entered_slugs(self) -> set[str]:
        """Return the slugs of the groups that something new goes into, or something from another group."""
        entering = [draft for draft in self.changed if draft.pk is None or draft.moves]
        return {str(draft.after["group"]) for draft in entering if "group" in draft.after}

    @cached_property
    def digest(self) -> str:
        """Return what tells two plans apart: every definition before and after."""
        content = [(draft.pk, draft.before, draft.after) for draft in self.drafts]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def make_plan(model: type[Model], drafts: Sequence[Draft], *, may_use_credentials: bool) -> Plan:
    """Validate what the drafts change, together; what they leave alone may be as wrong as it was."""
    plan = Plan(model, drafts)
    if not may_use_credentials:
        refuse_exposures(plan.changed)
    _CHECKERS[model]([draft for draft in plan.changed if not draft.refusals])
    return plan


def plan_edits(model: type[Model], ids: Sequence[int], edits: Sequence[Edit], *, may_use_credentials: bool) -> Plan:
    """Plan the same edits for all of these objects."""
    found = read_documents(model, ids)
    drafts = [
        Draft(
            apply_edits(each, edits),
            pk=pk,
            before=each,
            foreign=[edit.field for edit in edits if not fits_kind(each, edit)],
        )
        for pk, each in found.items()
    ]
    return make_plan(model, drafts, may_use_credentials=may_use_credentials)


def apply_plan(  # noqa: PLR0913  # what is locked, what is made of it, and what it must be
    model: type[Model],
    ids: Sequence[int],
    make: Callable[[], Plan],
    *,
    digest: str,
    change: Due,
    slugs: Iterable[str] = (),
) -> int:
    """Make the plan again under locks and store it; return how many objects that changed.

    `slugs` are those of the groups that something goes into. Raises PlanChangedError, with nothing written, when it
    is not the plan of `digest` or somebody is refused in it.
    """
    with transaction.atomic():
        if model is Endpoint:
            lock_groups(ids, slugs=slugs)
        lock_rows(model, ids)
        plan = make()
        if plan.digest != digest or plan.refused:
            raise PlanChangedError
        _SAVERS[model](plan.changed, settle(change))
        return len(plan.changed)
