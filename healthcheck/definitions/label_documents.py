"""Locations and tags as documents: little more than their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from healthcheck.models import Location, Tag


def read_locations(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    rows = Location.objects.filter(pk__in=ids).values_list("pk", "slug", "name")
    return {pk: {"slug": slug, "name": name} for pk, slug, name in rows}


def read_tags(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    return {pk: {"name": name} for pk, name in Tag.objects.filter(pk__in=ids).values_list("pk", "name")}
