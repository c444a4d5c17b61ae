"""Locations and tags as documents: hardly more than their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from healthcheck.models import Location, Tag


def read_locations(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    rows = Location.objects.filter(pk__in=ids).values_list("pk", "slug", "name", "control_targets")
    return {pk: {"slug": slug, "name": name, "control_targets": targets} for pk, slug, name, targets in rows}


def read_tags(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    return {pk: {"name": name} for pk, name in Tag.objects.filter(pk__in=ids).values_list("pk", "name")}
