"""Checks and stores drafts of groups: their schedules, their slugs, and the timeouts of the endpoints in them."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from healthcheck.definitions.documents import read_documents, split_batches
from healthcheck.definitions.drafts import Draft, refuse, refuse_unstorable, write_tags
from healthcheck.definitions.group_documents import GROUP_COLUMNS
from healthcheck.definitions.tagging import normalise_tags
from healthcheck.definitions.versions import Change, record_versions
from healthcheck.engine.probes import JUDGED
from healthcheck.models import Endpoint, EndpointGroup
from healthcheck.pipeline.bulk import insert_rows, update_rows
from healthcheck.pipeline.clock import restart_clocks

SCHEDULE_KEYS = ("interval_seconds", "cron", "timezone")


def check_groups(drafts: Sequence[Draft]) -> None:
    """Validate the drafts together and fill in their refusals and instances; a fixed number of queries per batch."""
    owners: dict[str, int | None] = {}
    timeouts: dict[int, float] = {}
    for batch in split_batches(drafts):
        slugs = [str(draft.after["slug"]) for draft in batch]
        existing = EndpointGroup.objects.existing().filter(slug__in=slugs).order_by()
        owners |= dict(existing.values_list("slug", "pk"))
        # A restored group's endpoints come back with it, so that those which are marked count as well.
        restored = [draft.pk for draft in batch if draft.restores]
        members = Endpoint.objects.filter(group_id__in=[draft.pk for draft in batch if draft.pk is not None])
        members = members.filter(Q(deleted_at__isnull=True) | Q(group_id__in=restored)).order_by()
        slowest = members.exclude(kind__in=JUDGED).values("group_id").annotate(slowest=Max("timeout_seconds"))
        timeouts |= dict(slowest.values_list("group_id", "slowest"))
    for draft in drafts:
        if not refuse_unstorable(draft):
            _check(draft, owners, timeouts)


def save_groups(drafts: Sequence[Draft], change: Change) -> list[int]:
    """Store checked drafts and their versions; the caller holds the transaction and the locks. Returns the ids."""
    saved: list[int] = []
    for batch in split_batches(drafts):
        known = {draft.pk: draft.before for draft in batch if draft.pk is not None and draft.before is not None}
        numbered = list(zip(_write_rows(batch, change), batch, strict=True))
        write_tags(EndpointGroup.tags.through, "endpointgroup_id", numbered)
        ids = [pk for pk, _draft in numbered]
        record_versions(EndpointGroup, known, read_documents(EndpointGroup, ids), change)
        restart_clocks([pk for pk, draft in numbered if draft.pk is not None and _restarts(draft)], change.at)
        saved += ids
    return saved


def _check(draft: Draft, owners: dict[str, int | None], timeouts: dict[int, float]) -> None:
    document = draft.after
    group = EndpointGroup(pk=draft.pk, **{name: document[name] for name in GROUP_COLUMNS})
    draft.instance = group
    try:
        group.clean_fields(exclude={"next_run_at"})
        if (group.interval_seconds is None) == (not group.cron):
            raise ValidationError(_("Give either an interval or a cron expression, not both."))
        group.clean()
        document["tags"] = normalise_tags(document["tags"])
    except ValidationError as error:
        refuse(draft, EndpointGroup, error)
        return
    if timeouts.get(draft.pk or 0, 0) > group.deadline_seconds:
        sentence = _("An endpoint of the group has a timeout of %(timeout)g s; lower that first.")
        draft.refusals.append(sentence % {"timeout": timeouts[draft.pk or 0]})
    if group.slug in owners and (draft.pk is None or owners[group.slug] != draft.pk):
        sentence = _("There is already a group with the slug “%(slug)s”; rename that one or this.")
        draft.refusals.append(sentence % {"slug": group.slug})
    owners.setdefault(group.slug, draft.pk)


def _write_rows(batch: Sequence[Draft], change: Change) -> list[int]:
    new = [draft for draft in batch if draft.pk is None]
    old = [draft for draft in batch if draft.pk is not None]
    if old:
        rows = [(draft.pk, *(getattr(draft.instance, name) for name in GROUP_COLUMNS)) for draft in old]
        update_rows(EndpointGroup, ("id", *GROUP_COLUMNS), rows)
    if restored := [draft.pk for draft in old if draft.pk is not None and draft.restores]:
        EndpointGroup.objects.filter(pk__in=restored).update(deleted_at=None)
    if new:
        rows = [(change.at, *(getattr(draft.instance, name) for name in GROUP_COLUMNS)) for draft in new]
        insert_rows(EndpointGroup, ("next_run_at", *GROUP_COLUMNS), rows)
    slugs = [draft.instance.slug for draft in new]
    found = EndpointGroup.objects.existing().filter(slug__in=slugs).order_by() if new else EndpointGroup.objects.none()
    ids = dict(found.values_list("slug", "pk"))
    return [draft.pk or ids[draft.instance.slug] for draft in batch]


def _restarts(draft: Draft) -> bool:
    if draft.after["is_paused"]:
        return False
    return draft.restores or draft.changes("is_paused", *SCHEDULE_KEYS)
