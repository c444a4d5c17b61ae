"""The answer while the database is away: one sentence, in the page's own look, without a query or a traceback."""

from __future__ import annotations

import logging
import sys
from http import HTTPStatus

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.utils.log import log_response
from django.utils.translation import gettext
from django.views.defaults import server_error

from healthcheck.web.database_faults import DatabaseFault, find_fault
from healthcheck.web.sentence_page import answer_sentence

logger = logging.getLogger(__name__)

RETRY_SECONDS = 10


def answer_unavailable(request: HttpRequest, error: Error, fault: DatabaseFault) -> HttpResponse:
    """Return 503 as the page, or as JSON with the key `error` for the twin; nobody may keep it.

    A visitor is told no more than that: what is the matter with the database is for those who can mend it.
    """
    older = fault is DatabaseFault.OLDER
    words = gettext("The checker is being upgraded.") if older else gettext("The checker cannot reach its database.")
    return _answer(request, error, fault, words)


def answer_failure(request: HttpRequest) -> HttpResponse:
    """Be the project's `handler500`: 503 and the cure where the database is in trouble, else Django's own answer.

    A handler rather than middleware, because Django asks it for each part of a request that fails: the view, its
    template, and any middleware, such as the one that stores the session. With DEBUG it is never asked.
    """
    error = sys.exc_info()[1]
    fault = find_fault(error)
    if fault is None or not isinstance(error, Error):
        return server_error(request)
    return _answer(request, error, fault, _name_cure(fault, is_sent=request.method == "POST"))


def _name_cure(fault: DatabaseFault, *, is_sent: bool) -> str:
    if fault is DatabaseFault.FULL:
        return gettext("The disk of the database is full; free some space on it, then try again.")
    if fault is DatabaseFault.CLOSED:
        return gettext(
            "The database may not be written to; mend the permissions of its file and of the folder around it, then "
            "try again."
        )
    if fault is DatabaseFault.OLDER:
        return gettext("The database is older than this release; run “manage.py migrate”, then try again.")
    if fault is DatabaseFault.AWAY:
        return gettext("The database cannot be reached; start it, or wait until it is back, then try again.")
    if is_sent:
        return gettext("The database is busy; wait a few seconds, go back and send the form again.")
    return gettext("The database is busy; wait a few seconds, then try again.")


def _answer(request: HttpRequest, error: Error, fault: DatabaseFault, sentence: str) -> HttpResponse:
    # What was sent is still in the form that the browser goes back to; a link would lose it.
    context = {"is_sent": request.method == "POST"}
    response = answer_sentence(
        request,
        HTTPStatus.SERVICE_UNAVAILABLE,
        sentence,
        template="healthcheck/unavailable.html",
        context=context,
    )
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    # Django's own way to log an answer once. The type only: a driver's words may hold the database's address.
    log_response(
        f"page unavailable: {fault.value} (%s)", type(error).__name__, response=response, request=request, logger=logger
    )
    return response
