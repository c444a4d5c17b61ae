"""Who may see a page. Everything of one that is not public stands behind this gate, and looks alike before it."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import resolve_url
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext

from healthcheck.models import StatusPage
from healthcheck.models.page import Visibility
from healthcheck.web.addresses import PageUrls

# A working day: long enough not to be asked again, short enough for a device that others use.
PASS_SECONDS = 12 * 3600
PRIVATE_HEADERS = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex"}


def is_public(page: StatusPage) -> bool:
    return page.visibility == Visibility.PUBLIC


def may_see(request: HttpRequest, page: StatusPage) -> bool:
    """Tell whether this visitor may see the page. A visibility that nobody knows lets nobody in."""
    if page.visibility == Visibility.PUBLIC:
        return True
    if page.visibility == Visibility.SIGNED_IN:
        return _is_signed_in(request)
    return page.visibility == Visibility.PASSWORD and _holds_pass(request, page)


def refuse_reader(request: HttpRequest, page: StatusPage, urls: PageUrls, *, endpoint_id: int | None) -> HttpResponse:
    """Send a person to where they are let in: the project's login, or the page's own form."""
    if page.visibility == Visibility.PASSWORD:
        wanted = f"?{urlencode({'endpoint': endpoint_id})}" if endpoint_id is not None else ""
        return keep_private(HttpResponseRedirect(f"{urls.enter}{wanted}"))
    query = urlencode({"next": request.get_full_path()})
    return keep_private(HttpResponseRedirect(f"{resolve_url(settings.LOGIN_URL)}?{query}"))


def refuse_machine(page: StatusPage) -> HttpResponse:
    """Answer 403 in JSON, for what no person reads."""
    if page.visibility == Visibility.PASSWORD:
        sentence = gettext("This page asks for a password; open it in a browser and enter it there.")
    else:
        sentence = gettext("This page is for people who are signed in; sign in first.")
    return keep_private(JsonResponse({"error": sentence}, status=403))


def keep_private(response: HttpResponse) -> HttpResponse:
    """Mark an answer as this visitor's own: no proxy may keep it, no search engine may list it."""
    for name, value in PRIVATE_HEADERS.items():
        response.headers[name] = value
    patch_vary_headers(response, ["Cookie"])
    return response


def give_pass(request: HttpRequest, response: HttpResponse, page: StatusPage, *, path: str) -> None:
    """Let the visitor of this answer in for some hours, below `path` alone."""
    response.set_cookie(
        _name_pass(page),
        _build_signer(page).sign("in"),
        max_age=PASS_SECONDS,
        path=path,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def _is_signed_in(request: HttpRequest) -> bool:
    # A project without Django's authentication has nobody who could be signed in.
    user = getattr(request, "user", None)
    return user is not None and user.is_authenticated


def _holds_pass(request: HttpRequest, page: StatusPage) -> bool:
    try:
        _build_signer(page).unsign(request.COOKIES.get(_name_pass(page), ""), max_age=PASS_SECONDS)
    except BadSignature:
        return False
    return bool(page.password)


def _name_pass(page: StatusPage) -> str:
    return f"hc_page_{page.pk}"


def _build_signer(page: StatusPage) -> TimestampSigner:
    # The hash is part of the key: a pass ends with the password that it was given for.
    return TimestampSigner(salt=f"healthcheck.page:{page.pk}:{page.password}")
