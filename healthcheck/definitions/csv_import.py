"""Plans what a CSV file says: what is new, what changes, what stays. Nothing is ever deleted by a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from healthcheck.definitions.comparing import HIDDEN, is_hidden
from healthcheck.definitions.csv_columns import COLUMNS, KEY_COLUMNS, UNSAID
from healthcheck.definitions.csv_reading import Row
from healthcheck.definitions.documents import Document, read_documents, split_batches
from healthcheck.definitions.drafts import Draft
from healthcheck.definitions.endpoint_documents import ENDPOINT_COLUMNS
from healthcheck.definitions.group_documents import GROUP_COLUMNS
from healthcheck.definitions.plans import Plan, make_plan
from healthcheck.engine.masking import mask_url
from healthcheck.engine.redaction import MASK
from healthcheck.models import Endpoint, EndpointGroup

_Key = tuple[str, ...]


def plan_rows(model: type[Model], rows: Sequence[Row], *, may_use_credentials: bool) -> Plan:
    """Return the plan of a file. Which credential is sent where is decided only by people who may see them."""
    keys = [_read_key(model, row) for row in rows]
    found = _find_existing(model, keys)
    documents = read_documents(model, sorted(found.values()))
    lines: dict[_Key, int] = {}
    drafts = []
    for row, key in zip(rows, keys, strict=True):
        pk = found.get(key)
        draft = _make_draft(model, row, pk, documents.get(pk or 0))
        if key in lines:
            sentence = _("“%(key)s” stands on line %(line)s already; keep one of the two.")
            draft.refusals.append(sentence % {"key": " / ".join(key), "line": lines[key]})
        lines.setdefault(key, row.line)
        if not may_use_credentials and draft.after.get("credential") != (draft.before or {}).get("credential"):
            draft.refusals.append(_("The credential may only be changed by people who may see credentials; leave it."))
        drafts.append(draft)
    return make_plan(model, drafts, may_use_credentials=may_use_credentials)


def _read_key(model: type[Model], row: Row) -> _Key:
    return tuple(row.cells[name] for name in KEY_COLUMNS[model])


def _find_existing(model: type[Model], keys: Sequence[_Key]) -> dict[_Key, int]:
    """Return the ids of those that exist, in one query per batch of groups."""
    found: dict[_Key, int] = {}
    for slugs in split_batches(sorted({key[0] for key in keys})):
        if model is Endpoint:
            endpoints = Endpoint.objects.existing().filter(group__slug__in=slugs, group__deleted_at__isnull=True)
            rows = endpoints.order_by().values_list("group__slug", "name", "pk")
            found |= {(slug, name): pk for slug, name, pk in rows}
        else:
            groups = EndpointGroup.objects.existing().filter(slug__in=slugs).order_by()
            found |= {(slug,): pk for slug, pk in groups.values_list("slug", "pk")}
    wanted = set(keys)
    return {key: pk for key, pk in found.items() if key in wanted}


def _make_draft(model: type[Model], row: Row, pk: int | None, before: Document | None) -> Draft:
    after = dict(before) if before is not None else _default_document(model)
    draft = Draft(after, pk=pk, before=before, line=row.line)
    for column in COLUMNS[model]:
        if column.name not in row.cells:
            continue
        try:
            value = column.read(row.cells[column.name])
        except ValidationError as error:
            draft.refusals += [f"{column.name}: {sentence}" for sentence in error.messages]
            continue
        if value is not UNSAID:
            after[column.name] = value
    _settle_schedule(row, after)
    _restore_hidden(draft)
    return draft


def _settle_schedule(row: Row, after: Document) -> None:
    # A file with only one of the two columns means that schedule, whatever the default or the old one is.
    if row.cells.get("cron") and "interval_seconds" not in row.cells:
        after["interval_seconds"] = None
    elif row.cells.get("interval_seconds") and "cron" not in row.cells:
        after["cron"] = ""


def _restore_hidden(draft: Draft) -> None:
    """Take what the file only marks as hidden from the object itself."""
    address = (draft.before or {}).get("address", "")
    if draft.after.get("address") == mask_url(address):
        draft.after["address"] = address
    elif MASK in draft.after.get("address", "") and draft.after["address"] != address:
        # Edited, copied to another row, or of an object that has changed meanwhile: what was hidden is not to be found.
        sentence = _("The address holds %(mark)s where a secret was; write all of it, or leave the column out.")
        draft.refusals.append(sentence % {"mark": MASK})
    options: dict[str, Any] = draft.after.get("options", {})
    marked = [name for name in options if is_hidden(f"options.{name}") and options[name] == HIDDEN]
    if not marked:
        return
    own = (draft.before or {}).get("options", {})
    for name in marked:
        if name not in own:
            sentence = _(
                "The file was written without the %(name)s, and there are none to keep; write them or remove %(mark)s."
            )
            draft.refusals.append(sentence % {"name": name, "mark": HIDDEN})
    kept = {name: own[name] for name in marked if name in own}
    draft.after["options"] = options | kept


def _default_document(model: type[Model]) -> Document:
    instance = model()
    columns = ENDPOINT_COLUMNS if model is Endpoint else GROUP_COLUMNS
    rest: Document = {"tags": []}
    if model is Endpoint:
        # The timeout of one that says none depends on its group, which `check_endpoints` looks up.
        rest |= {"credential": None, "assertions": [], "members": [], "timeout_seconds": None}
    return {**{name: getattr(instance, name) for name in columns}, **rest}
