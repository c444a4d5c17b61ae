"""`{% draw_list cl %}`: a long list of the admin in the looks of django-unfold."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django import template
from django.contrib.admin.views.main import ChangeList

register = template.Library()

# By name: a theme loads all template tags while it is itself being loaded for the classes of our admin.
_ROWS = "healthcheck.admin.look.themed_rows"


@register.inclusion_tag("admin/healthcheck/themed_list.html")
def draw_list(cl: ChangeList) -> dict[str, Any]:
    """Draw the list; only where the theme is installed."""
    drawn: dict[str, Any] = import_module(_ROWS).draw_list(cl)
    return drawn
