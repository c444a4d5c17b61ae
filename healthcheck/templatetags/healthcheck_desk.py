"""`{% show_desk %}`: the desk, inside whatever page of the admin a project wants it on."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django import template
from django.template.loader import render_to_string

register = template.Library()

# By name: a theme loads all template tags while it is itself being loaded for the classes of our admin.
_DESK = "healthcheck.admin.desk.desk_page"


@register.simple_tag(takes_context=True)
def show_desk(context: template.Context) -> Any:
    """Draw the desk for whoever may see it, and nothing for others."""
    request = context.get("request")
    page = import_module(_DESK)
    if request is None or not page.may_see_desk(request.user):
        return ""
    return render_to_string("admin/healthcheck/desk_frame.html", page.describe_desk(request), request)
