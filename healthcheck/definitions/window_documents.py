"""A maintenance window as a document: its times, and what it covers by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from healthcheck.models import MaintenanceWindow

WINDOW_COLUMNS = (
    "title",
    "description",
    "starts_at",
    "duration_seconds",
    "recurrence",
    "timezone",
    "is_public",
    "announce_hours",
    "covers_all",
)


def read_windows(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    documents: dict[int, dict[str, Any]] = {}
    for row in MaintenanceWindow.objects.filter(pk__in=ids).values("pk", "ended_at", *WINDOW_COLUMNS):
        ended_at = row["ended_at"].isoformat() if row["ended_at"] else ""
        columns = {name: row[name] for name in WINDOW_COLUMNS} | {"starts_at": row["starts_at"].isoformat()}
        documents[row["pk"]] = columns | {"ended_at": ended_at, "groups": [], "endpoints": [], "tags": []}
    for key, through, name in _SCOPE:
        rows = through.objects.filter(maintenancewindow_id__in=ids).values_list("maintenancewindow_id", *name)
        for pk, *parts in rows:
            documents[pk][key].append(" / ".join(parts))
    for document in documents.values():
        for key, _through, _name in _SCOPE:
            # Here, and not by the database, whose order depends on its collation.
            document[key].sort()
    return documents


# What is deleted is left out: it cannot be named any more.
_SCOPE: Any = (
    ("groups", MaintenanceWindow.groups.through, ("endpointgroup__slug",)),
    ("endpoints", MaintenanceWindow.endpoints.through, ("endpoint__group__slug", "endpoint__name")),
    ("tags", MaintenanceWindow.tags.through, ("tag__name",)),
)
