"""A status page as a document: its sections and items by name, its logo as a digest, its password as “set” only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from healthcheck.models import PageItem, PageSection, StatusPage

PAGE_COLUMNS = (
    "slug",
    "title",
    "description",
    "shows_all_groups",
    "visibility",
    "accent",
    "theme",
    "announcement",
    "announcement_level",
    "language",
    "counts_degraded_as_good",
)


def read_pages(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    documents = {page.pk: _read(page) for page in StatusPage.objects.filter(pk__in=ids)}
    groups = StatusPage.groups.through.objects.filter(statuspage_id__in=ids, endpointgroup__deleted_at__isnull=True)
    for pk, slug in groups.values_list("statuspage_id", "endpointgroup__slug"):
        documents[pk]["groups"].append(slug)
    for document in documents.values():
        document["groups"].sort()
    sections: dict[int, dict[str, Any]] = {}
    for section in PageSection.objects.filter(page_id__in=ids).order_by("page_id", "position", "id"):
        sections[section.pk] = {"title": section.title, "description": section.description, "items": []}
        documents[section.page_id]["sections"].append(sections[section.pk])
    for item in _find_items(ids):
        sections[item.section_id]["items"].append(_read_item(item))
    return documents


def _read(page: StatusPage) -> dict[str, Any]:
    return {
        **{name: getattr(page, name) for name in PAGE_COLUMNS},
        "password": "set" if page.password else "",
        "logo": hashlib.sha256(bytes(page.logo)).hexdigest() if page.logo else "",
        "groups": [],
        "sections": [],
    }


def _find_items(ids: Sequence[int]) -> Any:
    items = PageItem.objects.filter(section__page_id__in=ids).order_by("section_id", "position", "id")
    return items.select_related("group", "endpoint__group")


def _read_item(item: PageItem) -> dict[str, Any]:
    group = item.group or (item.endpoint.group if item.endpoint else None)
    return {
        "group": group.slug if group else "",
        "endpoint": item.endpoint.name if item.endpoint else None,
        "label": item.label,
    }
