"""The answers for what is not there, or not for this visitor: one sentence in the page's own look.

Neither what was asked for nor what does exist is repeated in them.
"""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext, override

from healthcheck.web.language import choose_language
from healthcheck.web.sentence_page import answer_sentence


def answer_missing(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return 404; fit to be a project's `handler404`."""
    with override(choose_language(request, "")):
        sentence = gettext("There is no such page.")
        cure = gettext("It may have been removed, or its address may be misspelt.")
        return _answer(request, HTTPStatus.NOT_FOUND, sentence, cure=cure)


def answer_forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return 403 where the account may not do that; fit to be a project's `handler403`."""
    with override(choose_language(request, "")):
        sentence = gettext("Your account may not do this.")
        cure = gettext("Ask whoever manages the accounts for the permission, or log in with another account.")
        return _answer(request, HTTPStatus.FORBIDDEN, sentence, cure=cure)


def answer_stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return 403 for a form whose token is not ours; fit to be a project's `CSRF_FAILURE_VIEW`."""
    with override(choose_language(request, "")):
        sentence = gettext("The form that was sent is out of date.")
        cure = gettext("Go back, load the page again and send it once more; cookies have to be allowed.")
        return _answer(request, HTTPStatus.FORBIDDEN, sentence, cure=cure)


def answer_used_link(request: HttpRequest, command: str) -> HttpResponse:
    """Return 410 for a login link that was used; `command` sets a password."""
    with override(choose_language(request, "")):
        sentence = gettext("This login link has been used.")
        cure = gettext("Stop and start “manage.py up” for a new one, or set a password in a shell:")
        return _answer(request, HTTPStatus.GONE, sentence, cure=cure, command=command)


def _answer(request: HttpRequest, status: HTTPStatus, sentence: str, *, cure: str, command: str = "") -> HttpResponse:
    admin, page = _find("admin:index"), _find("healthcheck:status")
    is_admin = bool(admin) and request.path.startswith(admin)
    context = {"cure": cure, "command": command, "home": admin if is_admin else page, "is_admin": is_admin}
    return answer_sentence(request, status, sentence, template="healthcheck/missing.html", context=context)


def _find(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        # A project without that part.
        return ""
