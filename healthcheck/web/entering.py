"""The form of a page that asks for a password. It tells nothing about the page, and a wrong guess nothing about why.

It is not behind Django's check of cross-site requests, which needs a cookie: whoever makes another's browser send the
right password has given that person nothing but a page that they know themselves. What a foreign site could do, use up
somebody's guesses, is refused by where the browser says the request comes from.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from django.contrib.auth.hashers import check_password
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.translation import gettext, override
from django.views.decorators.csrf import csrf_exempt

from healthcheck.models import StatusPage
from healthcheck.models.page import Visibility
from healthcheck.web.addresses import PageUrls, find_urls
from healthcheck.web.gate import give_pass, keep_private, may_see
from healthcheck.web.guesses import WINDOW_SECONDS, find_visitor, forgive_guesses, may_guess
from healthcheck.web.language import choose_language
from healthcheck.web.public import public_form
from healthcheck.web.snapshot import find_page

# Nobody types more, and a hash is computed over all of it.
MAX_PASSWORD_LENGTH = 1000
# The longest password fits: a character has up to four bytes, and each of those is written as three.
MAX_FORM_BYTES = 16 * 1024


@csrf_exempt
@public_form
def enter_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for the page's password, or take it; a page that asks for none is shown as it is."""
    page = find_page(slug)
    if page is None:
        raise Http404
    urls = find_urls(request, page, at_root=False)
    target = _find_target(request, urls)
    with override(choose_language(request, page.language)):
        if page.visibility != Visibility.PASSWORD or may_see(request, page):
            return keep_private(HttpResponseRedirect(target))
        if request.method == "POST":
            return keep_private(_take_guess(request, page, urls))
        return keep_private(_show_form(request))


def _take_guess(request: HttpRequest, page: StatusPage, urls: PageUrls) -> HttpResponse:
    if _comes_from_elsewhere(request):
        sentence = gettext("This form was sent from another site; enter the password here.")
        return _show_form(request, sentence=sentence, status=HTTPStatus.FORBIDDEN)
    # Before the body is read: what nobody types is not even received.
    if not _is_plain_form(request):
        sentence = gettext("What was sent is not this form; enter the password here.")
        return _show_form(request, sentence=sentence, status=HTTPStatus.BAD_REQUEST)
    if _find_length(request) > MAX_FORM_BYTES:
        sentence = gettext("What was sent is too large for a password; enter the password here.")
        return _show_form(request, sentence=sentence, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    visitor = find_visitor(request)
    if not may_guess(page.pk, visitor):
        sentence = gettext("Too many attempts. Wait five minutes, then try again.")
        response = _show_form(request, sentence=sentence, status=HTTPStatus.TOO_MANY_REQUESTS)
        response.headers["Retry-After"] = str(WINDOW_SECONDS)
        return response
    guess = request.POST.get("password", "")
    if len(guess) > MAX_PASSWORD_LENGTH or not check_password(guess, page.password):
        sentence = gettext("That is not the password. Check it, or ask whoever gave you the address of this page.")
        return _show_form(request, sentence=sentence, status=HTTPStatus.FORBIDDEN)
    forgive_guesses(page.pk, visitor)
    response = HttpResponseRedirect(_find_target(request, urls), status=HTTPStatus.SEE_OTHER)
    give_pass(request, response, page, path=urls.page)
    return response


def _show_form(request: HttpRequest, *, sentence: str = "", status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    context = {"sentence": sentence, "action": request.get_full_path()}
    response = HttpResponse(render_to_string("healthcheck/enter.html", context), status=status)
    # Without a referrer browsers hide the origin of the form, too.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _find_target(request: HttpRequest, urls: PageUrls) -> str:
    """Return where to go then: the page, or that endpoint of it which was asked for."""
    wanted = request.GET.get("endpoint", "")
    is_number = wanted.isascii() and wanted.isdigit() and len(wanted) <= 10
    return f"{urls.page}{wanted}/" if is_number else urls.page


def _is_plain_form(request: HttpRequest) -> bool:
    charset = (request.content_params or {}).get("charset", "utf-8")
    is_form = request.content_type == "application/x-www-form-urlencoded"
    return is_form and charset.lower() in {"utf-8", "utf8"}


def _find_length(request: HttpRequest) -> int:
    """Return how long the body is said to be; none of it is read without that."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isascii() and length.isdigit() and len(length) <= 18 else MAX_FORM_BYTES + 1


def _comes_from_elsewhere(request: HttpRequest) -> bool:
    site = request.headers.get("Sec-Fetch-Site", "")
    if site:
        return site not in {"same-origin", "none"}
    # Plain HTTP, or an old browser; a program says neither.
    origin = request.headers.get("Origin", "")
    return bool(origin) and urlsplit(origin).netloc != request.get_host()
