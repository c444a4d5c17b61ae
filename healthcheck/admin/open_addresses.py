"""Addresses as people may search them who see them masked: a list that finds something tells what is hidden in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Case, Model, Q, QuerySet, Value, When

from healthcheck.engine.masking import HIDING_CHARACTERS

_NAME = "open_address"


def search_openly(fields: Sequence[Any]) -> list[Any]:
    """Return the fields to search with the open part of the address in its place."""
    return [_NAME if each == "address" else each for each in fields]


def name_open_address(rows: QuerySet[Model]) -> QuerySet[Model]:
    """Let the rows be filtered by the address where nothing of it is hidden, and by an empty text elsewhere."""
    hides = Q(*(("address__contains", each) for each in HIDING_CHARACTERS), _connector=Q.OR)
    named: QuerySet[Model] = rows.alias(**{_NAME: Case(When(hides, then=Value("")), default="address")})
    return named
