"""A page's own style sheet and logo, behind the page's own gate. Their addresses change with them."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import override

from healthcheck.models import StatusPage
from healthcheck.web.contrast import parse_colour
from healthcheck.web.gate import is_public, keep_private, may_see, refuse_machine
from healthcheck.web.language import choose_language
from healthcheck.web.look import draw_style, name_version, read_logo
from healthcheck.web.public import public
from healthcheck.web.snapshot import find_page

# Long enough to cost next to nothing, and no longer: no cache asks again when the page is closed to the public.
_DAY_SECONDS = 86400


@public
def page_style(request: HttpRequest, slug: str, version: str) -> HttpResponse:
    """Return the tokens of the accent colour in force, whatever version an older page asks for."""
    page = _find(slug)
    if not may_see(request, page):
        return _refuse(request, page)
    accent = parse_colour(page.accent)
    if accent is None:
        raise Http404
    style = draw_style(accent)
    response = HttpResponse(style, content_type="text/css; charset=utf-8")
    return _keep_long(response, page, is_current=version == name_version(style))


@public
def page_logo(request: HttpRequest, slug: str, version: str) -> HttpResponse:
    """Return the logo in force."""
    page = _find(slug)
    if not may_see(request, page):
        return _refuse(request, page)
    logo = read_logo(page)
    if not logo:
        raise Http404
    return _keep_long(HttpResponse(logo, content_type="image/png"), page, is_current=version == name_version(logo))


def _find(slug: str) -> StatusPage:
    page = find_page(slug)
    if page is None:
        raise Http404
    return page


def _refuse(request: HttpRequest, page: StatusPage) -> HttpResponse:
    with override(choose_language(request, page.language)):
        return refuse_machine(page)


def _keep_long(response: HttpResponse, page: StatusPage, *, is_current: bool) -> HttpResponse:
    if not is_public(page):
        keep_private(response)
        # Not by proxies, and not by the next user of this browser without asking again.
        response.headers["Cache-Control"] = "private, no-cache"
    elif is_current:
        response.headers["Cache-Control"] = f"public, max-age={_DAY_SECONDS}, immutable"
    return response
