"""The answer while the database is away: one sentence, in the page's own look, without a query or a traceback."""

from __future__ import annotations

import logging

from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.log import log_response
from django.utils.translation import gettext

logger = logging.getLogger(__name__)

RETRY_SECONDS = 10


def answer_unavailable(request: HttpRequest, error: Error) -> HttpResponse:
    """Return 503 as the page, or as JSON with the key `error` for the twin; nobody may keep it."""
    sentence = gettext("The checker cannot reach its database.")
    response = _build_response(request, sentence)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    # Django's own way to log an answer once. The type only: a driver's words may hold the database's address.
    log_response(
        "page unavailable: no database (%s)", type(error).__name__, response=response, request=request, logger=logger
    )
    return response


def _build_response(request: HttpRequest, sentence: str) -> HttpResponse:
    if request.path.endswith(".json"):
        return JsonResponse({"error": sentence}, status=503)
    return HttpResponse(render_to_string("healthcheck/unavailable.html", {"sentence": sentence}), status=503)
