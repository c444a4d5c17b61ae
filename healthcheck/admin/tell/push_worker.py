"""The script that shows what is pushed: at an address that stays, without a login, and in control of no page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

# A script controls what lies below its own address at most, and nothing else lies there.
PATH = "push/worker.js"


@login_not_required
@require_safe
def show_worker(request: HttpRequest) -> HttpResponse:
    """Answer anybody: a browser asks for it again when nobody is logged in. It holds addresses of pictures alone."""
    words = {"title": _("Health checks"), "acknowledge": _("Acknowledge")}
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return TemplateResponse(
        request,
        "admin/healthcheck/push_worker.js",
        words,
        content_type="text/javascript; charset=utf-8",
        headers=headers,
    )
