"""`{% count_minutes_to_restore %}`: how long what is deleted now can be restored."""

from __future__ import annotations

from importlib import import_module

from django import template

register = template.Library()

# By name: a theme loads all template tags before the models are there.
_PRUNE = "healthcheck.pipeline.prune"


@register.simple_tag
def count_minutes_to_restore() -> int:
    """Return the whole minutes of the grace."""
    return int(import_module(_PRUNE).DELETED_GRACE.total_seconds()) // 60
