"""The public pages and their JSON twins: read-only, without session or cookie, in a fixed number of queries."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext

from healthcheck.models import StatusPage
from healthcheck.models.clock import read_database_clock
from healthcheck.models.page import DEFAULT_SLUG
from healthcheck.web.board import Board
from healthcheck.web.json_twin import describe_board
from healthcheck.web.public import public
from healthcheck.web.rendering import build_context
from healthcheck.web.snapshot import find_page, load_board

REFRESH_SECONDS = 10


@public
def status_page(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """Show a page; without a slug the default one."""
    now = read_database_clock()
    page = _get_page(slug)
    board = load_board(page, now=now)
    context = build_context(board, now) | {
        "json_url": _get_json_url(request, slug),
        "admin_url": _find_admin_url(board),
        "refresh_seconds": REFRESH_SECONDS,
    }
    # Rendered without the request: no context processor can reach for a session, so none is ever opened.
    return HttpResponse(render_to_string("healthcheck/status.html", context))


@public
def status_json(request: HttpRequest, slug: str | None = None) -> JsonResponse:
    """Return the page's facts; `json_twin` documents the keys."""
    return JsonResponse(describe_board(load_board(_get_page(slug), now=read_database_clock())))


def _get_page(slug: str | None) -> StatusPage:
    page = find_page(slug)
    if page is None and slug is None:
        # Nobody has made a page yet: show the way instead of an error.
        return StatusPage(slug=DEFAULT_SLUG, title=gettext("Status"))
    if page is None:
        raise Http404
    return page


def _get_json_url(request: HttpRequest, slug: str | None) -> str:
    namespace = request.resolver_match.namespace if request.resolver_match else None
    if slug is None:
        return reverse("healthcheck:status_json", current_app=namespace)
    return reverse("healthcheck:page_json", args=[slug], current_app=namespace)


def _find_admin_url(board: Board) -> str:
    """Return where to begin, for an empty page of a project whose admin holds ours; else nothing."""
    if board.groups:
        return ""
    try:
        return reverse("admin:healthcheck_endpointgroup_add")
    except NoReverseMatch:
        return ""
