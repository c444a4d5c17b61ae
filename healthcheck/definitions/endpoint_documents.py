"""An endpoint as a document: its columns, assertions, members and tags, with the names of its group and credential."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from healthcheck.definitions.member_documents import read_members
from healthcheck.models import Assertion, Endpoint

# Columns that a document holds as they are.
ENDPOINT_COLUMNS = (
    "name",
    "kind",
    "address",
    "position",
    "is_paused",
    "timeout_seconds",
    "failure_threshold",
    "recovery_threshold",
    "options",
    "description",
)


def read_endpoints(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    rows = Endpoint.objects.filter(pk__in=ids).values("pk", "group__slug", "credential__name", *ENDPOINT_COLUMNS)
    documents = {
        row["pk"]: {
            "group": row["group__slug"],
            **{name: row[name] for name in ENDPOINT_COLUMNS},
            "credential": row["credential__name"],
            "assertions": [],
            "members": [],
            "tags": [],
        }
        for row in rows
    }
    for pk, lines in _read_assertions(ids).items():
        documents[pk]["assertions"] = lines
    for pk, members in read_members(ids).items():
        documents[pk]["members"] = members
    tags = Endpoint.tags.through.objects.filter(endpoint_id__in=ids)
    for pk, name in tags.values_list("endpoint_id", "tag__name"):
        documents[pk]["tags"].append(name)
    for document in documents.values():
        # Here, and not by the database, whose order depends on its collation.
        document["tags"].sort()
    return documents


def _read_assertions(ids: Sequence[int]) -> dict[int, list[str]]:
    lines: dict[int, list[str]] = defaultdict(list)
    rows = Assertion.objects.filter(endpoint_id__in=ids).order_by("endpoint_id", "position", "id")
    for pk, text in rows.values_list("endpoint_id", "text"):
        lines[pk].append(text)
    return lines
