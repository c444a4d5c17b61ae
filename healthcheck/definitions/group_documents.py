"""A group as a document: its schedule and tags. Its endpoints have documents of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from healthcheck.models import EndpointGroup

GROUP_COLUMNS = (
    "name",
    "slug",
    "position",
    "is_paused",
    "interval_seconds",
    "cron",
    "timezone",
    "deadline_seconds",
    "retention_days",
    "hour_retention_days",
)


def read_groups(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    documents: dict[int, dict[str, Any]] = {}
    for row in EndpointGroup.objects.filter(pk__in=ids).values("pk", *GROUP_COLUMNS):
        documents[row["pk"]] = {**{name: row[name] for name in GROUP_COLUMNS}, "tags": []}
    tags = EndpointGroup.tags.through.objects.filter(endpointgroup_id__in=ids)
    for pk, name in tags.values_list("endpointgroup_id", "tag__name"):
        documents[pk]["tags"].append(name)
    for document in documents.values():
        # Here, and not by the database, whose order depends on its collation.
        document["tags"].sort()
    return documents
