"""The way back of a maintenance window: what it covers is found by name, and its spans follow."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from healthcheck.definitions.documents import Document
from healthcheck.definitions.drafts import DefinitionError
from healthcheck.definitions.tagging import ensure_tags
from healthcheck.definitions.window_documents import WINDOW_COLUMNS
from healthcheck.models import Endpoint, EndpointGroup, MaintenanceWindow
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.maintain import replan_windows


def choose_columns(after: Document) -> dict[str, Any]:
    """Return the window's columns as they are stored. An end by hand stays: it has happened."""
    return {name: after[name] for name in WINDOW_COLUMNS} | {"starts_at": datetime.fromisoformat(after["starts_at"])}


def write_scope(window: MaintenanceWindow, after: Document) -> None:
    """Store the window with what it covers, inside the caller's transaction. Raises DefinitionError."""
    groups = EndpointGroup.objects.existing().filter(slug__in=after["groups"])
    group_ids = dict(groups.values_list("slug", "pk"))
    endpoint_ids = _find_endpoints(after["endpoints"])
    lost = sorted({*after["groups"], *after["endpoints"]} - group_ids.keys() - endpoint_ids.keys())
    if lost:
        sentence = _("“%(name)s” is not there any more; restore it from its history first, or edit the window.")
        raise DefinitionError(sentence % {"name": lost[0]})
    window.save(update_fields=WINDOW_COLUMNS)
    window.groups.set(group_ids.values())
    window.endpoints.set(endpoint_ids.values())
    window.tags.set(ensure_tags(after["tags"]).values())
    replan_windows([window.pk], read_database_clock())


def _find_endpoints(names: Iterable[str]) -> dict[str, int]:
    """Return ids by “slug / name”. Names may hold slashes, slugs may not."""
    pairs = [name.partition(" / ")[::2] for name in names]
    if not pairs:
        return {}
    wanted = Q(group__slug__in={slug for slug, _name in pairs}, name__in={name for _slug, name in pairs})
    rows = Endpoint.objects.existing().filter(wanted, group__deleted_at__isnull=True)
    found = {f"{slug} / {name}": pk for pk, slug, name in rows.values_list("pk", "group__slug", "name")}
    return {name: found[name] for name in names if name in found}
